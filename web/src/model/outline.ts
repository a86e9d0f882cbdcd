/** Masks to polygons: outlines along pixel edges, thinned to the corners that a hand would set. */

import type { Polygon } from "./fill";
import type { Point } from "./geometry";
import type { Mask } from "./mask";

/**
 * One polygon for each 4-connected part; a hole is cut open, which even-odd filling does not see.
 * With a tolerance, corners are left out as long as the line stays within so many pixels.
 */
export function outlines(mask: Mask, tolerance = 0): Polygon[] {
  const rings = traced(mask).map((ring) => thinned(ring, tolerance));
  const outer = rings.filter((ring) => signedArea(ring) > 0);
  const holes = rings.filter((ring) => signedArea(ring) < 0);
  const inside = new Map<Point[], Point[][]>(outer.map((ring) => [ring, []]));
  for (const hole of holes) {
    const around = outer.filter((ring) => ringHolds(ring, hole[0]!));
    around.sort((a, b) => signedArea(a) - signedArea(b));
    // Thinning can push a hole's first corner out of its part; then the hole is smaller than the tolerance.
    if (around[0]) inside.get(around[0])!.push(hole);
  }
  return outer.map((ring) =>
    inside
      .get(ring)!
      .reduce(joined, ring)
      .flatMap((point) => [point.x, point.y]),
  );
}

/** Closed lines of pixel corners with the mask on their right hand: outer ones clockwise, holes the other way. */
function traced(mask: Mask): Point[][] {
  const { w, h, bits } = mask;
  const at = (x: number, y: number): number => (x < 0 || y < 0 || x >= w || y >= h ? 0 : bits[y * w + x]!);
  // Right, down, left, up: the pixel on the right hand when leaving corner (x, y) that way, and the one on the left.
  const right = [[0, 0], [-1, 0], [-1, -1], [0, -1]] as const; // prettier-ignore
  const left = [[0, -1], [0, 0], [-1, 0], [-1, -1]] as const; // prettier-ignore
  const step = [[1, 0], [0, 1], [-1, 0], [0, -1]] as const; // prettier-ignore
  const open = (x: number, y: number, way: number): boolean =>
    at(x + right[way]![0], y + right[way]![1]) === 1 && at(x + left[way]![0], y + left[way]![1]) === 0;
  const walked = new Set<number>();
  const rings: Point[][] = [];
  for (let y0 = 0; y0 <= h; y0++) {
    for (let x0 = 0; x0 < w; x0++) {
      for (const way0 of [0, 2]) {
        if (!open(x0, y0, way0) || walked.has((y0 * (w + 1) + x0) * 4 + way0)) continue;
        const ring: Point[] = [];
        let [x, y, way, turned] = [x0, y0, way0, true];
        do {
          walked.add((y * (w + 1) + x) * 4 + way);
          if (turned) ring.push({ x: x + mask.x, y: y + mask.y });
          x += step[way]![0];
          y += step[way]![1];
          // Right first: where two pixels touch only by a corner, each keeps its own outline.
          const next = [way + 1, way, way + 3].map((turn) => turn % 4).find((turn) => open(x, y, turn))!;
          turned = next !== way;
          way = next;
        } while (x !== x0 || y !== y0 || way !== way0);
        rings.push(ring);
      }
    }
  }
  return rings;
}

/** Douglas and Peucker's rule on a ring: between its first corner and the one farthest from that. */
function thinned(ring: Point[], tolerance: number): Point[] {
  if (tolerance <= 0 || ring.length < 5) return ring;
  let far = 0;
  ring.forEach((point, index) => {
    if (apart(point, ring[0]!) > apart(ring[far]!, ring[0]!)) far = index;
  });
  const there = thinnedLine(ring.slice(0, far + 1), tolerance);
  const back = thinnedLine([...ring.slice(far), ring[0]!], tolerance);
  const kept = [...there.slice(0, -1), ...back.slice(0, -1)];
  return kept.length >= 3 ? kept : ring;
}

function thinnedLine(line: Point[], tolerance: number): Point[] {
  const keep = new Uint8Array(line.length);
  keep[0] = keep[line.length - 1] = 1;
  const open: [number, number][] = [[0, line.length - 1]];
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part;
    let [worst, index] = [tolerance, -1];
    for (let place = from + 1; place < to; place++) {
      const off = offLine(line[place]!, line[from]!, line[to]!);
      if (off > worst) [worst, index] = [off, place];
    }
    if (index < 0) continue;
    keep[index] = 1;
    open.push([from, index], [index, to]);
  }
  return line.filter((_, place) => keep[place]);
}

export function offLine(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length ? ((point.x - from.x) * dx + (point.y - from.y) * dy) / length : 0;
  const part = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - part * dx, point.y - from.y - part * dy);
}

function apart(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function signedArea(ring: Point[]): number {
  return ring.reduce((sum, point, index) => {
    const next = ring[(index + 1) % ring.length]!;
    return sum + (point.x * next.y - next.x * point.y) / 2;
  }, 0);
}

function ringHolds(ring: Point[], point: Point): boolean {
  let inside = false;
  // A little inside the pixel below and right of the corner: never on a line of the ring.
  const [px, py] = [point.x - 0.25, point.y - 0.25];
  ring.forEach((a, index) => {
    const b = ring[(index + 1) % ring.length]!;
    if (a.y > py !== b.y > py && px < a.x + ((py - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
  });
  return inside;
}

/** The outline, a walk to the nearest corner of the hole, round it and back. */
function joined(outline: Point[], hole: Point[]): Point[] {
  let [best, from, to] = [Infinity, 0, 0];
  outline.forEach((a, i) => {
    hole.forEach((b, j) => {
      const gap = apart(a, b);
      if (gap < best) [best, from, to] = [gap, i, j];
    });
  });
  const round = [...hole.slice(to), ...hole.slice(0, to + 1)];
  return [...outline.slice(0, from + 1), ...round, ...outline.slice(from)];
}
