/** Boxes and points in photo pixels. Boxes are half-open XYXY and may leave the photo. */

export type Box = readonly [number, number, number, number];
export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Frame {
  readonly width: number;
  readonly height: number;
}

export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"] as const;
export type Handle = (typeof HANDLES)[number];

export function boxOf(a: Point, b: Point): Box {
  return [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.max(a.x, b.x), Math.max(a.y, b.y)];
}

export function boxesOverlap(a: Box, b: Box): boolean {
  return Math.min(a[2], b[2]) > Math.max(a[0], b[0]) && Math.min(a[3], b[3]) > Math.max(a[1], b[1]);
}

export function boxArea(box: Box): number {
  return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
}

export function boxHolds(box: Box, point: Point): boolean {
  return point.x >= box[0] && point.x < box[2] && point.y >= box[1] && point.y < box[3];
}

export function moveBox(box: Box, dx: number, dy: number): Box {
  return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
}

/** Pull one handle to a point; a side pulled over its opposite swaps with it. */
export function resizeBox(box: Box, handle: Handle, to: Point): Box {
  const x0 = handle.includes("w") ? to.x : box[0];
  const x1 = handle.includes("e") ? to.x : box[2];
  const y0 = handle.includes("n") ? to.y : box[1];
  const y1 = handle.includes("s") ? to.y : box[3];
  return boxOf({ x: x0, y: y0 }, { x: x1, y: y1 });
}

export function handlePlaces(box: Box): Record<Handle, Point> {
  const [x0, y0, x1, y1] = box;
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return {
    nw: { x: x0, y: y0 },
    n: { x: cx, y: y0 },
    ne: { x: x1, y: y0 },
    e: { x: x1, y: cy },
    se: { x: x1, y: y1 },
    s: { x: cx, y: y1 },
    sw: { x: x0, y: y1 },
    w: { x: x0, y: cy },
  };
}

export function handleAt(box: Box, point: Point, reach: number): Handle | undefined {
  const places = handlePlaces(box);
  return HANDLES.find((handle) => distance(places[handle], point) <= reach);
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

export function asBox(numbers: readonly number[]): Box {
  const [x0, y0, x1, y1] = numbers;
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined) {
    throw new Error(`a box of ${numbers.length} numbers, expected 4`);
  }
  return [x0, y0, x1, y1];
}

/** Two decimals: finer than anybody points, and short in the file. */
export function rounded(box: Box): Box {
  const [a, b, c, d] = box.map((value) => Math.round(value * 100) / 100);
  return [a!, b!, c!, d!];
}
