/** Masks, boxes and labels onto a canvas. What is visible is solid, what is hidden is hatched. */

import type { Box, Frame } from "../model/geometry";
import { boxArea, HANDLES, handlePlaces } from "../model/geometry";
import type { Mask } from "../model/mask";
import { isEmpty } from "../model/mask";
import type { Colour } from "../model/palette";
import { css } from "../model/palette";
import type { Viewport } from "../model/viewport";

export interface Shown {
  readonly key: string | number;
  readonly colour: Colour;
  readonly text: string;
  readonly box?: Box;
  readonly dashed?: boolean;
  readonly amodal?: Mask | undefined;
  readonly visible?: Mask | undefined;
}

/** How much of it all is to be seen. */
export interface Look {
  readonly opacity: number;
  readonly masks: boolean;
  readonly hidden: boolean;
  readonly boxes: boolean;
  readonly isolate: boolean;
}

const [LABEL_PX, LONGEST_LABEL_PX] = [17, 200];

export const LOOK: Look = { opacity: 0.5, masks: true, hidden: true, boxes: true, isolate: false };

export function paint(
  context: CanvasRenderingContext2D,
  shown: readonly Shown[],
  chosen: Shown["key"] | undefined,
  look: Look,
  view: Viewport,
  frame: Frame,
  screen: Frame,
): void {
  const alone = look.isolate && chosen !== undefined;
  const inView = (x0: number, y0: number, x1: number, y1: number): boolean =>
    x1 * view.scale + view.x > 0 &&
    y1 * view.scale + view.y > 0 &&
    x0 * view.scale + view.x < screen.width &&
    y0 * view.scale + view.y < screen.height;
  context.save();
  context.translate(view.x, view.y);
  context.scale(view.scale, view.scale);
  if (look.masks) {
    context.imageSmoothingEnabled = view.scale < 2;
    context.globalAlpha = look.opacity;
    const period = Math.max(6, Math.round(Math.max(frame.width, frame.height) / 160));
    for (const { key, amodal, visible, colour } of shown) {
      if ((alone && key !== chosen) || !amodal || isEmpty(amodal)) continue;
      if (!inView(amodal.x, amodal.y, amodal.x + amodal.w, amodal.y + amodal.h)) continue;
      const tile = tileOf(amodal, visible ?? amodal, colour, period, look.hidden);
      context.drawImage(tile, amodal.x, amodal.y);
    }
  }
  context.restore();
  if (look.boxes) {
    for (const one of largestFirst(shown)) {
      const [x0, y0, x1, y1] = one.box!;
      // The name stands above the box.
      if (
        (alone && one.key !== chosen) ||
        !inView(x0, y0 - LABEL_PX / view.scale, Math.max(x1, x0 + LONGEST_LABEL_PX / view.scale), y1)
      )
        continue;
      paintBox(context, one, one.key === chosen, view);
    }
  }
}

const ordered = new WeakMap<readonly Shown[], readonly Shown[]>();

/** So that the names of small boxes stay on top; sorted once, not in every frame. */
function largestFirst(shown: readonly Shown[]): readonly Shown[] {
  const kept =
    ordered.get(shown) ??
    shown.filter((one) => one.box).toSorted((a, b) => boxArea(b.box!) - boxArea(a.box!));
  ordered.set(shown, kept);
  return kept;
}

interface Tile {
  readonly visible: Mask;
  readonly look: string;
  readonly canvas: HTMLCanvasElement;
}

const tiles = new WeakMap<Mask, Tile>();

/** The picture of one object, kept as long as its mask is: panning then only copies pictures. */
function tileOf(
  amodal: Mask,
  visible: Mask,
  colour: Colour,
  period: number,
  hidden: boolean,
): HTMLCanvasElement {
  const look = `${colour.name} ${period} ${hidden}`;
  const kept = tiles.get(amodal);
  if (kept && kept.visible === visible && kept.look === look) return kept.canvas;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [amodal.w, amodal.h];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(amodal.w, amodal.h);
  const pixels = new Uint32Array(image.data.buffer);
  const [r, g, b] = colour.rgb;
  // Bytes lie as red, green, blue, alpha, which little-endian machines read the other way round.
  const ink = (alpha: number): number => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
  const [solid, line, faint] = [ink(220), ink(255), ink(50)];
  const bit = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= amodal.w || y >= amodal.h ? 0 : amodal.bits[y * amodal.w + x]!;
  for (let y = 0; y < amodal.h; y++) {
    for (let x = 0; x < amodal.w; x++) {
      if (!bit(x, y)) continue;
      const [vx, vy] = [x + amodal.x - visible.x, y + amodal.y - visible.y];
      const inside = vx >= 0 && vy >= 0 && vx < visible.w && vy < visible.h;
      const isSeen = inside && visible.bits[vy * visible.w + vx] === 1;
      if (!isSeen && !hidden) continue;
      const edge = !bit(x - 1, y) || !bit(x + 1, y) || !bit(x, y - 1) || !bit(x, y + 1);
      const hatch = (x + amodal.x + y + amodal.y) % period < period / 2 ? line : faint;
      pixels[y * amodal.w + x] = edge ? line : isSeen ? solid : hatch;
    }
  }
  context.putImageData(image, 0, 0);
  tiles.set(amodal, { visible, look, canvas });
  return canvas;
}

function paintBox(context: CanvasRenderingContext2D, one: Shown, chosen: boolean, view: Viewport): void {
  const [x0, y0, x1, y1] = one.box!;
  const [left, top] = [x0 * view.scale + view.x, y0 * view.scale + view.y];
  const [width, height] = [(x1 - x0) * view.scale, (y1 - y0) * view.scale];
  context.lineWidth = chosen ? 3 : 1.5;
  context.setLineDash(one.dashed ? [6, 4] : []);
  // A dark line under the coloured one shows on any photo.
  context.strokeStyle = "rgb(0 0 0 / 0.6)";
  context.strokeRect(left - 1, top - 1, width + 2, height + 2);
  context.strokeStyle = css(one.colour);
  context.strokeRect(left, top, width, height);
  context.setLineDash([]);
  if (width < 24 && !chosen) return;
  context.font = "600 12px system-ui, sans-serif";
  const wide = widthOf(context, one.text) + 8;
  context.fillStyle = css(one.colour, chosen ? 1 : 0.85);
  context.fillRect(left, top - LABEL_PX, wide, LABEL_PX);
  context.fillStyle = bright(one.colour) ? "#000" : "#fff";
  context.fillText(one.text, left + 4, top - 4);
}

const widths = new Map<string, number>();

/** Of a name in the font at hand; kept, as panning asks again in every frame. */
function widthOf(context: CanvasRenderingContext2D, text: string): number {
  const kept = widths.get(text) ?? context.measureText(text).width;
  if (widths.size > 10_000) widths.clear();
  widths.set(text, kept);
  return kept;
}

export function paintHandles(context: CanvasRenderingContext2D, box: Box, view: Viewport): void {
  const places = handlePlaces(box);
  context.fillStyle = "#fff";
  context.strokeStyle = "#000";
  context.lineWidth = 1;
  for (const handle of HANDLES) {
    const place = places[handle];
    const [x, y] = [place.x * view.scale + view.x, place.y * view.scale + view.y];
    context.fillRect(x - 4, y - 4, 8, 8);
    context.strokeRect(x - 4, y - 4, 8, 8);
  }
}

/** An arrow from the object in front to the one behind. */
export function paintArrow(
  context: CanvasRenderingContext2D,
  from: { x: number; y: number },
  to: { x: number; y: number },
  colour: string,
): void {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  for (const [ink, wide] of [
    ["rgb(0 0 0 / 0.7)", 4],
    [colour, 2],
  ] as const) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    for (const turn of [2.6, -2.6]) {
      context.moveTo(to.x, to.y);
      context.lineTo(to.x + 10 * Math.cos(angle + turn), to.y + 10 * Math.sin(angle + turn));
    }
    context.stroke();
  }
}

/** A broken line between two objects that nobody has ordered. */
export function paintPair(
  context: CanvasRenderingContext2D,
  from: { x: number; y: number },
  to: { x: number; y: number },
  colour: string,
): void {
  for (const [ink, wide] of [
    ["rgb(0 0 0 / 0.7)", 4],
    [colour, 2],
  ] as const) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.setLineDash([8, 6]);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
  context.setLineDash([]);
}

function bright(colour: Colour): boolean {
  const [r, g, b] = colour.rgb;
  return 0.299 * r + 0.587 * g + 0.114 * b > 130;
}
