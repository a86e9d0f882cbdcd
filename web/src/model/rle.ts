/** COCO's run lengths: down the columns of the frame, compressed into text as pycocotools does. */

import type { Mask } from "./mask";
import { maskFromBits } from "./mask";

export interface Rle {
  readonly size: readonly number[];
  readonly counts: string | readonly number[];
}

export function encode(mask: Mask): { size: [number, number]; counts: string } {
  return { size: [mask.height, mask.width], counts: textOf(runsOf(mask)) };
}

export function decode(rle: Rle): Mask {
  const [height, width] = rle.size;
  if (height === undefined || width === undefined) throw new Error("a run-length code without a size");
  const runs = typeof rle.counts === "string" ? runsFromText(rle.counts) : rle.counts;
  let [left, right, position] = [width, -1, 0];
  runs.forEach((run, index) => {
    if (index % 2 && run) {
      left = Math.min(left, Math.floor(position / height));
      right = Math.max(right, Math.floor((position + run - 1) / height));
    }
    position += run;
  });
  if (position !== height * width) throw new Error(`the runs cover ${position} of ${height * width} pixels`);
  const w = Math.max(0, right - left + 1);
  const bits = new Uint8Array(w * height);
  position = 0;
  runs.forEach((run, index) => {
    if (index % 2) {
      for (let pixel = position; pixel < position + run; pixel++) {
        bits[(pixel % height) * w + Math.floor(pixel / height) - left] = 1;
      }
    }
    position += run;
  });
  return maskFromBits({ width, height }, left, 0, w, height, bits);
}

function runsOf(mask: Mask): number[] {
  const bounds: number[] = [0];
  let inside = 0;
  // Rows above and below the crop are background, so a column ends inside only where the crop fills it.
  for (let column = 0; column < mask.w; column++) {
    const start = (mask.x + column) * mask.height + mask.y;
    for (let row = 0; row < mask.h; row++) {
      const bit = mask.bits[row * mask.w + column]!;
      if (bit !== inside) {
        bounds.push(start + row);
        inside = bit;
      }
    }
    if (inside && mask.h < mask.height) {
      bounds.push(start + mask.h);
      inside = 0;
    }
  }
  if (inside && mask.x + mask.w < mask.width) bounds.push((mask.x + mask.w) * mask.height);
  bounds.push(mask.width * mask.height);
  const runs = bounds.slice(1).map((bound, index) => bound - bounds[index]!);
  if (runs.length > 1 && runs[runs.length - 1] === 0) runs.pop();
  return runs;
}

function textOf(runs: readonly number[]): string {
  let text = "";
  runs.forEach((run, index) => {
    let rest = index > 2 ? run - runs[index - 2]! : run;
    let more = true;
    while (more) {
      let low = rest & 0x1f;
      rest >>= 5;
      more = low & 0x10 ? rest !== -1 : rest !== 0;
      if (more) low |= 0x20;
      text += String.fromCharCode(low + 48);
    }
  });
  return text;
}

function runsFromText(text: string): number[] {
  const runs: number[] = [];
  let place = 0;
  while (place < text.length) {
    let [number, shift, more] = [0, 0, true];
    while (more) {
      if (place >= text.length) throw new Error("a run-length code that ends in the middle of a number");
      const code = text.charCodeAt(place++) - 48;
      number |= (code & 0x1f) << shift;
      shift += 5;
      more = (code & 0x20) !== 0;
      if (!more && code & 0x10) number |= -1 << shift;
    }
    runs.push(runs.length > 2 ? number + runs[runs.length - 2]! : number);
  }
  return runs;
}
