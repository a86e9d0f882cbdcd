/** Pass 1 with the pointer: choose, move, resize and draw boxes; say who is in front. */

import { useCallback, useMemo, useState } from "react";

import { paintArrow, paintHandles, paintPair } from "../canvas/paint";
import type { Gesture } from "../canvas/PhotoStage";
import type { BoxDocument, BoxObject } from "../model/boxes";
import { changeObject } from "../model/boxes";
import type { Box, Handle, Point } from "../model/geometry";
import { boxArea, boxHolds, boxOf, distance, handleAt, moveBox, resizeBox } from "../model/geometry";
import { putInFront, unsaid } from "../model/order";
import type { Viewport } from "../model/viewport";
import { toScreen } from "../model/viewport";
import { useLive } from "./useLive";

export type BoxTool = "select" | "box" | "order";

interface Drag {
  readonly key: string | undefined;
  readonly start: Point;
  readonly before: Box | undefined;
  readonly handle: Handle | undefined;
  readonly box: Box;
  readonly moved: boolean;
}

export interface BoxToolUse {
  readonly tool: BoxTool;
  readonly document: BoxDocument;
  readonly chosen: string | undefined;
  readonly choose: (key: string | undefined) => void;
  readonly edit: (label: string, change: (document: BoxDocument) => BoxDocument) => void;
  readonly create: (box: Box) => void;
  /** A click where there is no object: a find of the model may lie there. */
  readonly clickFree: (at: Point) => void;
  readonly nameOf: (key: string) => string;
}

const REACH_PX = 9;
const LEAST_SIDE_PX = 2;
const UNORDERED = "rgb(240 228 66)";

export function useBoxTools(use: BoxToolUse) {
  const { tool, document, chosen, choose, edit, create, clickFree, nameOf } = use;
  const [drag, held, setDrag] = useLive<Drag>();
  const [front, setFront] = useState<string>();
  const [cursor, setCursor] = useState<Point>({ x: 0, y: 0 });
  const own = document.objects.find((one) => one.key === chosen);

  /** False where nothing was begun. */
  const cancel = (): boolean => {
    const begun = Boolean(held.current ?? front);
    setDrag(undefined);
    setFront(undefined);
    return begun;
  };

  const down = ({ at, scale }: Gesture): void => {
    if (tool === "box") {
      setDrag({
        key: undefined,
        start: at,
        before: undefined,
        handle: undefined,
        box: boxOf(at, at),
        moved: false,
      });
      return;
    }
    if (tool === "order") {
      const picked = pick(document.objects, at, front);
      if (!picked) return setFront(undefined);
      choose(picked.key);
      if (!front) return setFront(picked.key);
      setFront(undefined);
      edit(`${nameOf(front)} in front of ${nameOf(picked.key)}`, (now) => ({
        ...now,
        edges: putInFront(now.edges, front, picked.key),
      }));
      return;
    }
    const handle = own && handleAt(own.box, at, REACH_PX / scale);
    const one = own && (handle || boxHolds(own.box, at)) ? own : pick(document.objects, at);
    choose(one?.key);
    if (!one) clickFree(at);
    else setDrag({ key: one.key, start: at, before: one.box, handle, box: one.box, moved: false });
  };

  const move = ({ at, scale }: Gesture): void => {
    if (front) setCursor(at);
    const drag = held.current;
    if (!drag) return;
    if (!drag.moved && distance(at, drag.start) * scale < 3) return;
    setDrag({ ...drag, moved: true, box: pulled(drag, at) });
  };

  const up = (gesture: Gesture): void => {
    move(gesture); // it may lie further than the last move said
    const { at } = gesture;
    const drag = held.current;
    if (!drag) return;
    setDrag(undefined);
    const { key, box, moved } = drag;
    if (!key) {
      if (box[2] - box[0] >= LEAST_SIDE_PX && box[3] - box[1] >= LEAST_SIDE_PX) create(box);
      else clickFree(at);
    } else if (moved) {
      edit(`${drag.handle ? "resized" : "moved"} ${nameOf(key)}`, (now) => changeObject(now, key, { box }));
    } else {
      // A click where several boxes lie: on to the next one.
      const here = document.objects.filter((one) => boxHolds(one.box, at));
      const next = here[(here.findIndex((one) => one.key === key) + 1) % Math.max(1, here.length)];
      if (key === chosen && next) choose(next.key);
    }
  };

  const onGesture = (gesture: Gesture): void => {
    if (gesture.kind === "down") down(gesture);
    if (gesture.kind === "move") move(gesture);
    if (gesture.kind === "up") up(gesture);
    if (gesture.kind === "leave") setDrag(undefined);
  };

  const unordered = useMemo(() => unsaid(document.objects, document.edges), [document]);
  const paintTool = useCallback(
    (context: CanvasRenderingContext2D, view: Viewport): void => {
      const box = drag?.box ?? own?.box;
      if (drag && !drag.key) {
        const [a, b] = [
          toScreen(view, { x: box![0], y: box![1] }),
          toScreen(view, { x: box![2], y: box![3] }),
        ];
        context.strokeStyle = "#fff";
        context.lineWidth = 2;
        context.setLineDash([5, 3]);
        context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
        context.setLineDash([]);
      } else if (box && tool === "select") paintHandles(context, box, view);
      const centre = (key: string): Point | undefined => {
        const one = document.objects.find((object) => object.key === key);
        return one && toScreen(view, middle(one.box));
      };
      if (tool === "order") {
        for (const [a, b] of document.edges) {
          const [from, to] = [centre(a), centre(b)];
          if (from && to) paintArrow(context, from, to, "#fff");
        }
        for (const [a, b] of unordered) paintPair(context, centre(a)!, centre(b)!, UNORDERED);
        const from = front && centre(front);
        if (from) paintArrow(context, from, toScreen(view, cursor), UNORDERED);
      }
    },
    [drag, own, tool, document, front, cursor, unordered],
  );

  const live = useMemo(
    () => (drag?.key ? changeObject(document, drag.key, { box: drag.box }) : document),
    [document, drag],
  );
  return { onGesture, paintTool, live, cancel, front, cursor: tool === "select" ? "default" : "crosshair" };
}

/** The smallest one there. */
export function pick<One extends Pick<BoxObject, "key" | "box">>(
  objects: readonly One[],
  at: Point,
  except?: string,
): One | undefined {
  return objects
    .filter((one) => one.key !== except && boxHolds(one.box, at))
    .toSorted((a, b) => boxArea(a.box) - boxArea(b.box))[0];
}

function pulled(drag: Drag, at: Point): Box {
  if (!drag.before) return boxOf(drag.start, at);
  if (drag.handle) return resizeBox(drag.before, drag.handle, at);
  return moveBox(drag.before, at.x - drag.start.x, at.y - drag.start.y);
}

function middle(box: Box): Point {
  return { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 };
}
