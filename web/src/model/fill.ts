/** Polygons to masks by the same rule as the server: a pixel is inside if its centre is, even-odd. */

import type { Frame } from "./geometry";
import type { Mask } from "./mask";
import { emptyMask, maskFromBits, unite } from "./mask";

/** [x, y, x, y, ...] */
export type Polygon = readonly number[];

export function fillPolygons(frame: Frame, polygons: readonly Polygon[]): Mask {
  return polygons.reduce((mask, polygon) => unite(mask, fillPolygon(frame, polygon)), emptyMask(frame));
}

export function fillPolygon(frame: Frame, polygon: Polygon): Mask {
  const corners = polygon.length / 2;
  if (corners < 3) return emptyMask(frame);
  const crossings = new Map<number, number[]>();
  let [top, bottom] = [Infinity, -Infinity];
  for (let corner = 0; corner < corners; corner++) {
    const next = (corner + 1) % corners;
    let [x0, y0] = [polygon[2 * corner]!, polygon[2 * corner + 1]!];
    let [x1, y1] = [polygon[2 * next]!, polygon[2 * next + 1]!];
    [top, bottom] = [Math.min(top, y0), Math.max(bottom, y0)];
    if (x0 > x1) [x0, y0, x1, y1] = [x1, y1, x0, y0];
    const first = clip(Math.ceil(x0 - 0.5), frame.width);
    const after = clip(Math.ceil(x1 - 0.5), frame.width);
    for (let x = first; x < after; x++) {
      const y = y0 + ((x + 0.5 - x0) / (x1 - x0)) * (y1 - y0);
      const column = crossings.get(x);
      if (column) column.push(y);
      else crossings.set(x, [y]);
    }
  }
  if (crossings.size === 0) return emptyMask(frame);
  let [left, right] = [Infinity, -1];
  for (const x of crossings.keys()) [left, right] = [Math.min(left, x), Math.max(right, x)];
  const y = clip(Math.floor(top), frame.height);
  const [w, h] = [right - left + 1, Math.max(0, clip(Math.ceil(bottom), frame.height) - y)];
  const bits = new Uint8Array(w * h);
  for (const [x, ys] of crossings) {
    ys.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < ys.length; pair += 2) {
      const from = clip(Math.ceil(ys[pair]! - 0.5), frame.height);
      const to = clip(Math.ceil(ys[pair + 1]! - 0.5), frame.height);
      for (let row = from; row < to; row++) bits[(row - y) * w + x - left] = 1;
    }
  }
  return maskFromBits(frame, left, y, w, h, bits);
}

function clip(value: number, end: number): number {
  return Math.min(end, Math.max(0, value));
}
