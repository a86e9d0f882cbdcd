/** The photo with everything on it: pan, zoom, pinch; all other gestures go to the tool in hand. */

import type Konva from "konva";
import type { JSX, PointerEvent, RefObject } from "react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Layer, Shape, Stage } from "react-konva";

import type { Frame, Point } from "../model/geometry";
import { distance } from "../model/geometry";
import type { Viewport } from "../model/viewport";
import { fit, pan, toPhoto, zoom } from "../model/viewport";
import type { Look, Shown } from "./paint";
import { paint } from "./paint";

export interface Gesture {
  readonly kind: "down" | "move" | "up" | "leave" | "double";
  /** In photo pixels. */
  readonly at: Point;
  readonly alt: boolean;
  readonly shift: boolean;
  /** Screen pixels per photo pixel, so that reach can be the same at every zoom. */
  readonly scale: number;
}

export interface StageHandle {
  view: Viewport;
  redraw: () => void;
  change: (change: (view: Viewport, screen: Frame) => Viewport) => void;
}

export interface PhotoStageProps {
  readonly name: string;
  readonly picture: string;
  readonly overlay?: string | undefined;
  readonly frame: Frame;
  readonly shown: readonly Shown[];
  readonly chosen: Shown["key"] | undefined;
  readonly look: Look;
  readonly cursor: string;
  readonly onGesture: (gesture: Gesture) => void;
  /** What the tool in hand draws on top, in screen pixels. */
  readonly paintTool: (context: CanvasRenderingContext2D, view: Viewport) => void;
  readonly handle: RefObject<StageHandle | null>;
}

export function PhotoStage(props: PhotoStageProps): JSX.Element {
  const { frame, shown, chosen, look, paintTool, onGesture, handle } = props;
  const holder = useRef<HTMLDivElement>(null);
  const photoLayer = useRef<Konva.Layer>(null);
  const toolLayer = useRef<Konva.Layer>(null);
  const view = useRef<Viewport>({ scale: 1, x: 0, y: 0 });
  const fitted = useRef(false);
  const screen = useScreen(holder);
  const picture = usePicture(props.picture);
  const overlay = usePicture(props.overlay);

  // Panning draws without React: the view is no state, and the layers are told directly.
  const redraw = useCallback(() => {
    photoLayer.current?.batchDraw();
    toolLayer.current?.batchDraw();
  }, []);
  const change = useCallback(
    (change: (view: Viewport, screen: Frame) => Viewport) => {
      view.current = change(view.current, screen);
      if (handle.current) handle.current.view = view.current;
      redraw();
    },
    [handle, redraw, screen],
  );
  useLayoutEffect(() => {
    if (!fitted.current && screen.width > 0) {
      view.current = fit(frame, screen);
      fitted.current = true;
    }
    handle.current = { view: view.current, redraw, change };
    redraw();
  }, [change, frame, handle, redraw, screen]);
  useEffect(redraw, [redraw, shown, chosen, look, paintTool, picture, overlay]);

  const gestures = useGestures(holder, view, change, onGesture);
  return (
    <div
      ref={holder}
      className="stage"
      style={{ cursor: props.cursor }}
      role="img"
      aria-label={`Photo ${props.name} with ${shown.length} objects`}
      data-testid="stage"
      {...gestures}
    >
      <Stage width={screen.width} height={screen.height} listening={false}>
        <Layer ref={photoLayer} listening={false}>
          <Shape
            listening={false}
            sceneFunc={({ _context: context }) => {
              for (const image of [picture, overlay]) {
                if (!image) continue;
                context.imageSmoothingEnabled = view.current.scale < 2;
                const { x, y, scale } = view.current;
                context.drawImage(image, x, y, frame.width * scale, frame.height * scale);
              }
              paint(context, shown, chosen, look, view.current, frame);
            }}
          />
        </Layer>
        <Layer ref={toolLayer} listening={false}>
          <Shape listening={false} sceneFunc={({ _context: context }) => paintTool(context, view.current)} />
        </Layer>
      </Stage>
    </div>
  );
}

function useScreen(holder: RefObject<HTMLDivElement | null>): Frame {
  const [screen, setScreen] = useState<Frame>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = holder.current!;
    const measure = (): void => setScreen({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [holder]);
  return screen;
}

function usePicture(url: string | undefined): HTMLImageElement | undefined {
  const [picture, setPicture] = useState<HTMLImageElement>();
  useEffect(() => {
    setPicture(undefined);
    if (!url) return;
    const image = new Image();
    image.onload = () => setPicture(image);
    image.src = url;
    return () => {
      image.onload = null;
    };
  }, [url]);
  return picture;
}

type Change = (change: (view: Viewport) => Viewport) => void;

/** One finger or the left button is the tool's; two fingers, other buttons and the space bar move the photo. */
function useGestures(
  holder: RefObject<HTMLDivElement | null>,
  view: RefObject<Viewport>,
  change: Change,
  onGesture: (gesture: Gesture) => void,
) {
  const fingers = useRef(new Map<number, Point>());
  const panning = useRef(false);
  const space = useSpaceBar();
  // The event's own element: a pointer can still leave while the page is being taken away.
  const place = (event: PointerEvent): Point => {
    const corner = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  };
  const give = (kind: Gesture["kind"], event: PointerEvent): void =>
    onGesture({
      kind,
      at: toPhoto(view.current, place(event)),
      alt: event.altKey,
      shift: event.shiftKey,
      scale: view.current.scale,
    });
  useWheel(holder, change);
  return {
    onPointerDown: (event: PointerEvent) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      fingers.current.set(event.pointerId, place(event));
      if (fingers.current.size === 2 && !panning.current) give("leave", event);
      panning.current ||= fingers.current.size > 1 || event.button > 0 || space.current;
      if (!panning.current) give("down", event);
    },
    onPointerMove: (event: PointerEvent) => {
      const before = fingers.current.get(event.pointerId);
      if (!panning.current || !before) return give("move", event);
      const now = place(event);
      const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
      fingers.current.set(event.pointerId, now);
      if (!other) return change((old) => pan(old, now.x - before.x, now.y - before.y));
      const factor = distance(now, other) / Math.max(1, distance(before, other));
      change((old) => pan(zoom(old, other, factor), (now.x - before.x) / 2, (now.y - before.y) / 2));
    },
    onPointerUp: (event: PointerEvent) => {
      fingers.current.delete(event.pointerId);
      if (!panning.current) give("up", event);
      else if (fingers.current.size === 0) panning.current = false;
    },
    onPointerCancel: (event: PointerEvent) => {
      fingers.current.delete(event.pointerId);
      if (fingers.current.size === 0) panning.current = false;
      give("leave", event);
    },
    onPointerLeave: (event: PointerEvent) => {
      if (fingers.current.size === 0) give("leave", event);
    },
    onDoubleClick: (event: unknown) => give("double", event as PointerEvent),
    onContextMenu: (event: { preventDefault: () => void }) => event.preventDefault(),
  };
}

function useWheel(holder: RefObject<HTMLDivElement | null>, change: Change): void {
  useEffect(() => {
    const element = holder.current!;
    // React's own wheel listeners are passive and could not keep the page from scrolling.
    const turn = (event: globalThis.WheelEvent): void => {
      event.preventDefault();
      const corner = element.getBoundingClientRect();
      const at = { x: event.clientX - corner.left, y: event.clientY - corner.top };
      if (event.shiftKey) change((view) => pan(view, -event.deltaY - event.deltaX, 0));
      else change((view) => zoom(view, at, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015))));
    };
    element.addEventListener("wheel", turn, { passive: false });
    return () => element.removeEventListener("wheel", turn);
  }, [holder, change]);
}

function useSpaceBar(): RefObject<boolean> {
  const held = useRef(false);
  useEffect(() => {
    const set = (event: KeyboardEvent): void => {
      if (event.key === " ") held.current = event.type === "keydown";
    };
    window.addEventListener("keydown", set);
    window.addEventListener("keyup", set);
    return () => {
      window.removeEventListener("keydown", set);
      window.removeEventListener("keyup", set);
    };
  }, []);
  return held;
}
