/** How many of several masks have each pixel. */

import type { Mask } from "./mask";

export interface Counts {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly counts: Uint8Array;
}

/** Counted in the smallest window that holds them all. */
export function countsOf(masks: readonly Mask[]): Counts {
  const drawn = masks.filter((one) => one.w > 0);
  const [x, y] = [Math.min(...drawn.map((one) => one.x)), Math.min(...drawn.map((one) => one.y))];
  if (drawn.length === 0) return { x: 0, y: 0, w: 0, h: 0, counts: new Uint8Array(0) };
  const w = Math.max(...drawn.map((one) => one.x + one.w)) - x;
  const h = Math.max(...drawn.map((one) => one.y + one.h)) - y;
  const counts = new Uint8Array(w * h);
  for (const one of drawn) {
    for (let row = 0; row < one.h; row++) {
      const to = (one.y + row - y) * w + one.x - x;
      for (let column = 0; column < one.w; column++) counts[to + column]! += one.bits[row * one.w + column]!;
    }
  }
  return { x, y, w, h, counts };
}

/** Of the pixels that anybody has, the share that exactly 1, 2, … `of` have. */
export function sharesOf({ counts }: Counts, of: number): number[] {
  const found = new Array<number>(of).fill(0);
  let any = 0;
  for (const count of counts) {
    if (count === 0) continue;
    found[count - 1]! += 1;
    any += 1;
  }
  return found.map((one) => (any ? one / any : 0));
}
