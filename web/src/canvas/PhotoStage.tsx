/** The photo with everything on it: pan, zoom, pinch; all other gestures go to the tool in hand. */

import type Konva from "konva";
import type { JSX, PointerEvent, RefObject } from "react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Layer, Shape, Stage } from "react-konva";

import type { Frame, Point } from "../model/geometry";
import { distance } from "../model/geometry";
import type { Viewport } from "../model/viewport";
import { fit, keepMiddle, pan, toPhoto, zoom } from "../model/viewport";
import type { Look, Shown } from "./paint";
import { paint } from "./paint";
import { paintPicture, usePicture } from "./picture";
import type { StageGroup, ViewChange } from "./stageGroup";

export interface Gesture {
  readonly kind: "down" | "move" | "up" | "leave" | "double";
  /** In photo pixels. */
  readonly at: Point;
  readonly alt: boolean;
  readonly shift: boolean;
  /** Screen pixels per photo pixel, so that reach can be the same at every zoom. */
  readonly scale: number;
}

export interface PhotoStageProps {
  readonly name: string;
  readonly picture: string;
  readonly frame: Frame;
  readonly shown: readonly Shown[];
  readonly chosen: Shown["key"] | undefined;
  readonly look: Look;
  readonly cursor: string;
  readonly onGesture: (gesture: Gesture) => void;
  /** What the tool in hand draws on top, in screen pixels. */
  readonly paintTool: (context: CanvasRenderingContext2D, view: Viewport) => void;
  readonly group: StageGroup;
}

export function PhotoStage(props: PhotoStageProps): JSX.Element {
  const { frame, shown, chosen, look, paintTool, onGesture, group } = props;
  const holder = useRef<HTMLDivElement>(null);
  const photoLayer = useRef<Konva.Layer>(null);
  const toolLayer = useRef<Konva.Layer>(null);
  const view = useRef<Viewport>({ scale: 1, x: 0, y: 0 });
  // The whole photo stays whole when the window changes, until somebody moves or zooms it.
  const whole = useRef(true);
  const before = useRef<Frame>(undefined);
  const screen = useScreen(holder);
  const picture = usePicture(props.picture);

  // Panning draws without React: the view is no state, and the layers are told directly.
  const redraw = useCallback(() => {
    photoLayer.current?.batchDraw();
    toolLayer.current?.batchDraw();
  }, []);
  useLayoutEffect(() => {
    if (screen.width === 0 || screen.height === 0) return;
    view.current =
      whole.current || !before.current
        ? fit(frame, screen)
        : keepMiddle(view.current, before.current, screen);
    before.current = screen;
    redraw();
  }, [frame, redraw, screen]);
  useLayoutEffect(() => {
    const become = (next: Viewport, isWhole: boolean): void => {
      view.current = next;
      whole.current = isWhole;
      redraw();
    };
    return group.join({
      change: (how) => become(how(view.current, screen), false),
      fit: () => become(fit(frame, screen), true),
    });
  }, [frame, group, redraw, screen]);
  useEffect(redraw, [redraw, shown, chosen, look, paintTool, picture]);

  const gestures = useGestures(holder, view, group, onGesture);
  return (
    <>
      {typeof picture === "string" && (
        <p role="alert" className="problem over-stage">
          {picture}
        </p>
      )}
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
                if (picture && typeof picture !== "string")
                  paintPicture(context, picture, view.current, frame, screen);
                paint(context, shown, chosen, look, view.current, frame, screen);
              }}
            />
          </Layer>
          <Layer ref={toolLayer} listening={false}>
            <Shape
              listening={false}
              sceneFunc={({ _context: context }) => paintTool(context, view.current)}
            />
          </Layer>
        </Stage>
      </div>
    </>
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

/** One finger or the left button is the tool's; two fingers, other buttons and the space bar move the photo. */
function useGestures(
  holder: RefObject<HTMLDivElement | null>,
  view: RefObject<Viewport>,
  group: StageGroup,
  onGesture: (gesture: Gesture) => void,
) {
  const fingers = useRef(new Map<number, Point>());
  const panning = useRef(false);
  const change = useCallback((how: ViewChange) => group.change(how), [group]);
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

function useWheel(holder: RefObject<HTMLDivElement | null>, change: (how: ViewChange) => void): void {
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
