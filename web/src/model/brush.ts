/** Strokes of a round brush: everything within a radius of a line, added to a mask or taken from it. */

import type { Frame, Point } from "./geometry";
import type { Mask } from "./mask";
import { maskFromBits, subtract, unite } from "./mask";
import { offLine } from "./outline";

export function stroke(frame: Frame, from: Point, to: Point, radius: number): Mask {
  const x = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
  const y = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const w = Math.max(0, Math.min(frame.width, Math.ceil(Math.max(from.x, to.x) + radius)) - x);
  const h = Math.max(0, Math.min(frame.height, Math.ceil(Math.max(from.y, to.y) + radius)) - y);
  const bits = new Uint8Array(w * h);
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const centre = { x: x + column + 0.5, y: y + row + 0.5 };
      if (offLine(centre, from, to) <= radius) bits[row * w + column] = 1;
    }
  }
  return maskFromBits(frame, x, y, w, h, bits);
}

export function brushed(mask: Mask, part: Mask, erase: boolean): Mask {
  return erase ? subtract(mask, part) : unite(mask, part);
}
