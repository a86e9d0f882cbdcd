/** A binary mask: a tight crop of bits, row by row, and the frame it lies in. Never changed once made. */

import type { Box, Frame } from "./geometry";

export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly bits: Uint8Array;
}

export function emptyMask(frame: Frame): Mask {
  return { width: frame.width, height: frame.height, x: 0, y: 0, w: 0, h: 0, bits: new Uint8Array(0) };
}

/** A mask from a crop at (x, y) that may leave the frame; what lies outside is cut off. */
export function maskFromBits(
  frame: Frame,
  x: number,
  y: number,
  w: number,
  h: number,
  bits: Uint8Array,
): Mask {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (let row = Math.max(0, -y); row < h && y + row < frame.height; row++) {
    for (let column = Math.max(0, -x); column < w && x + column < frame.width; column++) {
      if (!bits[row * w + column]) continue;
      if (column < left) left = column;
      if (column > right) right = column;
      if (row < top) top = row;
      bottom = row;
    }
  }
  if (right < 0) return emptyMask(frame);
  const [tw, th] = [right - left + 1, bottom - top + 1];
  const tight = new Uint8Array(tw * th);
  for (let row = 0; row < th; row++) {
    const from = (top + row) * w + left;
    tight.set(bits.subarray(from, from + tw), row * tw);
  }
  return { width: frame.width, height: frame.height, x: x + left, y: y + top, w: tw, h: th, bits: tight };
}

export function maskFromBox(frame: Frame, box: Box): Mask {
  const [x0, y0] = [Math.max(0, Math.round(box[0])), Math.max(0, Math.round(box[1]))];
  const w = Math.max(0, Math.min(frame.width, Math.round(box[2])) - x0);
  const h = Math.max(0, Math.min(frame.height, Math.round(box[3])) - y0);
  return maskFromBits(frame, x0, y0, w, h, new Uint8Array(w * h).fill(1));
}

export function isEmpty(mask: Mask): boolean {
  return mask.w === 0;
}

export function area(mask: Mask): number {
  let sum = 0;
  for (const bit of mask.bits) sum += bit;
  return sum;
}

export function has(mask: Mask, x: number, y: number): boolean {
  const [column, row] = [Math.floor(x) - mask.x, Math.floor(y) - mask.y];
  if (column < 0 || row < 0 || column >= mask.w || row >= mask.h) return false;
  return mask.bits[row * mask.w + column] === 1;
}

export function unite(a: Mask, b: Mask): Mask {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const w = Math.max(a.x + a.w, b.x + b.w) - x;
  const h = Math.max(a.y + a.h, b.y + b.h) - y;
  const bits = new Uint8Array(w * h);
  for (const one of [a, b]) {
    for (let row = 0; row < one.h; row++) {
      const to = (one.y + row - y) * w + one.x - x;
      for (let column = 0; column < one.w; column++) bits[to + column]! |= one.bits[row * one.w + column]!;
    }
  }
  return { width: a.width, height: a.height, x, y, w, h, bits };
}

export function subtract(a: Mask, b: Mask): Mask {
  return meet(a, b) ? combined(a, b, 0) : a;
}

export function intersect(a: Mask, b: Mask): Mask {
  return meet(a, b) ? combined(a, b, 1) : emptyMask(a);
}

export function iou(a: Mask, b: Mask): number {
  const common = area(intersect(a, b));
  const either = area(a) + area(b) - common;
  return either === 0 ? 1 : common / either;
}

export function sameMask(a: Mask, b: Mask): boolean {
  if (a === b) return true;
  if (a.x !== b.x || a.y !== b.y || a.w !== b.w || a.h !== b.h) return false;
  return a.bits.every((bit, place) => bit === b.bits[place]);
}

export function meet(a: Mask, b: Mask): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function combined(a: Mask, b: Mask, wanted: 0 | 1): Mask {
  const bits = new Uint8Array(a.bits.length);
  for (let row = 0; row < a.h; row++) {
    for (let column = 0; column < a.w; column++) {
      const [bx, by] = [a.x + column - b.x, a.y + row - b.y];
      const inside = bx >= 0 && by >= 0 && bx < b.w && by < b.h ? b.bits[by * b.w + bx]! : 0;
      const place = row * a.w + column;
      bits[place] = a.bits[place]! & (inside === wanted ? 1 : 0);
    }
  }
  return maskFromBits(a, a.x, a.y, a.w, a.h, bits);
}
