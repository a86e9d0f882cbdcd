/** Pass 2 with the pointer: outlines, corners, brush and eraser, on the whole object or on what is visible. */

import { useCallback, useMemo, useState } from "react";

import type { Gesture } from "../canvas/PhotoStage";
import type { OpenOutlines } from "../desk/maskPlan";
import { withOutline } from "../desk/maskPlan";
import { brushed, stroke } from "../model/brush";
import type { Drawing, MaskDocument } from "../model/drawing";
import { blank, polygonsOf, withMask, withPolygons, withVisible } from "../model/drawing";
import type { Polygon } from "../model/fill";
import type { Box, Frame, Point } from "../model/geometry";
import { boxArea, boxHolds, distance } from "../model/geometry";
import type { Mask } from "../model/mask";
import { emptyMask, has, unite } from "../model/mask";
import type { Corner } from "../model/polygon";
import { cornerAt, insertCorner, moveCorner, removeCorner, sideAt } from "../model/polygon";
import type { Viewport } from "../model/viewport";
import { toScreen } from "../model/viewport";
import { useLive } from "./useLive";

export const MASK_TOOLS = [
  "select",
  "polygon",
  "corners",
  "brush",
  "eraser",
  "visible-brush",
  "visible-eraser",
] as const;
export type MaskTool = (typeof MASK_TOOLS)[number];

export interface MaskToolUse {
  readonly frame: Frame;
  readonly tool: MaskTool;
  readonly radius: number;
  readonly document: MaskDocument;
  readonly boxes: readonly { readonly id: number; readonly box: Box }[];
  readonly visible: (id: number) => Mask | undefined;
  readonly chosen: number | undefined;
  readonly choose: (id: number | undefined) => void;
  readonly edit: (label: string, change: (document: MaskDocument) => MaskDocument) => void;
  readonly open: OpenOutlines;
  readonly setOpen: (open: OpenOutlines) => void;
  /** Objects of which the eraser takes hidden pixels only. */
  readonly fixed: ReadonlySet<number>;
}

interface Live {
  readonly id: number;
  readonly drawing: Drawing;
  readonly last: Point;
  readonly corner: Corner | undefined;
}

const REACH_PX = 9;

export function useMaskTools(use: MaskToolUse) {
  const { frame, tool, radius, document, boxes, visible, chosen, choose, edit, open, setOpen, fixed } = use;
  const [live, held, setLive] = useLive<Live>();
  const [cursor, setCursor] = useState<Point>();
  const [left, setLeft] = useState<{
    readonly outline: OpenOutlines[number];
    readonly document: MaskDocument;
  }>();
  const painting = tool.endsWith("brush") || tool.endsWith("eraser");
  const own = chosen === undefined ? undefined : (document[chosen] ?? blank(frame));

  /** Of the chosen object; the others' wait until they are chosen again. */
  const begun = open.find((one) => one.id === chosen);

  const closeOutline = useCallback((): boolean => {
    if (!begun || begun.points.length < 6) return false;
    const { id, points } = begun;
    setOpen(withOutline(open, id));
    edit("closed an outline", (now) => {
      const before = now[id] ?? blank(frame);
      const kept = before.polygons ?? polygonsOf(before);
      return { ...now, [id]: withPolygons(before, frame, [...kept, points]) };
    });
    return true;
  }, [begun, edit, frame, open, setOpen]);

  const painted = (drawing: Drawing, id: number, from: Point, to: Point): Drawing => {
    const part = stroke(frame, from, to, radius);
    const erase = tool.endsWith("eraser");
    if (tool === "brush" || tool === "eraser") {
      const whole = brushed(drawing.amodal, part, erase);
      return withMask(drawing, fixed.has(id) && drawing.inmodal ? unite(whole, drawing.inmodal) : whole);
    }
    return withVisible(drawing, brushed(drawing.inmodal ?? visible(id) ?? emptyMask(frame), part, erase));
  };

  const down = ({ at, scale, alt }: Gesture): void => {
    if (tool === "select" || chosen === undefined || !own) return choose(pick(use, at));
    if (painting) {
      setLive({ id: chosen, drawing: painted(own, chosen, at, at), last: at, corner: undefined });
      return;
    }
    if (tool === "polygon") {
      const points = begun?.points ?? [];
      const first = { x: points[0] ?? Infinity, y: points[1] ?? Infinity };
      if (points.length >= 6 && distance(at, first) * scale <= REACH_PX) closeOutline();
      else setOpen(withOutline(open, chosen, [...points, round(at.x), round(at.y)]));
      return;
    }
    const polygons = polygonsOf(own);
    const corner = cornerAt(polygons, at, REACH_PX / scale);
    if (corner && alt) {
      const rest = removeCorner(polygons, corner);
      edit("removed a corner", (now) => ({ ...now, [chosen]: withPolygons(own, frame, rest) }));
    } else if (corner) {
      setLive({ id: chosen, drawing: own, last: at, corner });
    } else {
      const side = sideAt(polygons, at, REACH_PX / scale);
      if (!side) return choose(pick(use, at) ?? chosen);
      const more = withPolygons(own, frame, insertCorner(polygons, side, rounded(at)));
      setLive({ id: chosen, drawing: more, last: at, corner: { ...side, corner: side.corner + 1 } });
    }
  };

  const move = ({ at }: Gesture): void => {
    if (painting || begun) setCursor(at);
    const live = held.current;
    if (!live || (at.x === live.last.x && at.y === live.last.y)) return;
    const drawing = live.corner
      ? withPolygons(live.drawing, frame, moveCorner(polygonsOf(live.drawing), live.corner, rounded(at)))
      : painted(live.drawing, live.id, live.last, at);
    setLive({ ...live, drawing, last: at });
  };

  const finish = (): void => {
    const live = held.current;
    if (!live) return;
    setLive(undefined);
    const { id, drawing } = live;
    const label = live.corner ? "moved a corner" : tool.endsWith("eraser") ? "erased" : "painted";
    if (drawing !== document[id]) edit(label, (now) => ({ ...now, [id]: drawing }));
  };

  const onGesture = (gesture: Gesture): void => {
    if (gesture.kind === "down") down(gesture);
    if (gesture.kind === "move") move(gesture);
    if (gesture.kind === "up") {
      move(gesture); // it may lie further than the last move said
      finish();
    }
    // A second finger moves the photo: what the first one had begun was not meant.
    if (gesture.kind === "leave") {
      setLive(undefined);
      setCursor(undefined);
    }
    if (gesture.kind === "double" && tool === "polygon") closeOutline();
  };

  const shownDrawing = live?.drawing ?? own;
  const paintTool = useCallback(
    (context: CanvasRenderingContext2D, view: Viewport): void => {
      if (tool === "corners" && shownDrawing) {
        for (const line of polygonsOf(shownDrawing)) paintLine(context, view, line, true);
      }
      for (const { id, points } of open) {
        const line = cursor && id === chosen ? [...points, cursor.x, cursor.y] : points;
        paintLine(context, view, line, false, id === chosen ? points.length / 2 : 0);
      }
      if (painting && cursor) paintBrush(context, view, cursor, radius);
    },
    [chosen, cursor, open, painting, radius, shownDrawing, tool],
  );

  const shown = useMemo(() => (live ? { ...document, [live.id]: live.drawing } : document), [document, live]);
  const cancel = useCallback(() => {
    setLive(undefined);
    if (!begun) return;
    setLeft({ outline: begun, document });
    setOpen(withOutline(open, begun.id));
  }, [begun, document, open, setLive, setOpen]);
  /** Takes back that an outline was left, which is no change of the document; until there is one. */
  const back = left?.document === document && left.outline.id === chosen && !begun ? left.outline : undefined;
  const takeBack =
    back &&
    ((): void => {
      setLeft(undefined);
      setOpen(withOutline(open, back.id, back.points));
    });
  return { onGesture, paintTool, live: shown, begun, closeOutline, cancel, takeBack, cursor: painting ? "none" : tool === "select" ? "default" : "crosshair", boxes }; // prettier-ignore
}

function pick({ boxes, visible }: MaskToolUse, at: Point): number | undefined {
  const seen = boxes.find(({ id }) => {
    const mask = visible(id);
    return mask && has(mask, at.x, at.y);
  });
  const inside = boxes
    .filter((one) => boxHolds(one.box, at))
    .toSorted((a, b) => boxArea(a.box) - boxArea(b.box));
  return (seen ?? inside[0])?.id;
}

function paintLine(
  context: CanvasRenderingContext2D,
  view: Viewport,
  line: Polygon,
  closed: boolean,
  corners = line.length / 2,
): void {
  const at = (corner: number): Point => toScreen(view, { x: line[2 * corner]!, y: line[2 * corner + 1]! });
  context.beginPath();
  for (let corner = 0; 2 * corner < line.length; corner++) context.lineTo(at(corner).x, at(corner).y);
  if (closed) context.closePath();
  context.strokeStyle = "rgb(0 0 0 / 0.7)";
  context.lineWidth = 3.5;
  context.stroke();
  context.strokeStyle = "#fff";
  context.lineWidth = 1.5;
  context.stroke();
  for (let corner = 0; corner < corners; corner++) {
    const { x, y } = at(corner);
    context.fillStyle = corner === 0 ? "rgb(240 228 66)" : "#fff";
    context.fillRect(x - 3, y - 3, 6, 6);
    context.lineWidth = 1;
    context.strokeStyle = "#000";
    context.strokeRect(x - 3, y - 3, 6, 6);
  }
}

function paintBrush(context: CanvasRenderingContext2D, view: Viewport, at: Point, radius: number): void {
  const { x, y } = toScreen(view, at);
  for (const [ink, wide] of [
    ["#000", 3],
    ["#fff", 1.5],
  ] as const) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.beginPath();
    context.arc(x, y, radius * view.scale, 0, 2 * Math.PI);
    context.stroke();
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function rounded(point: Point): Point {
  return { x: round(point.x), y: round(point.y) };
}
