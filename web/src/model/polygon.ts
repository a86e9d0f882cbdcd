/** Editing outlines corner by corner. Every function gives a new list of polygons. */

import type { Polygon } from "./fill";
import type { Point } from "./geometry";
import { offLine } from "./outline";

export interface Corner {
  readonly polygon: number;
  readonly corner: number;
}

export function cornerAt(polygons: readonly Polygon[], point: Point, reach: number): Corner | undefined {
  let [best, found] = [reach, undefined as Corner | undefined];
  polygons.forEach((line, polygon) => {
    for (let corner = 0; 2 * corner < line.length; corner++) {
      const gap = Math.hypot(line[2 * corner]! - point.x, line[2 * corner + 1]! - point.y);
      if (gap <= best) [best, found] = [gap, { polygon, corner }];
    }
  });
  return found;
}

/** The side nearest to a point: a new corner would come after the one it names. */
export function sideAt(polygons: readonly Polygon[], point: Point, reach: number): Corner | undefined {
  let [best, found] = [reach, undefined as Corner | undefined];
  polygons.forEach((line, polygon) => {
    for (let corner = 0; 2 * corner < line.length; corner++) {
      const gap = offLine(point, pointAt(line, corner), pointAt(line, corner + 1));
      if (gap <= best) [best, found] = [gap, { polygon, corner }];
    }
  });
  return found;
}

export function pointAt(line: Polygon, corner: number): Point {
  const place = (2 * corner) % line.length;
  return { x: line[place]!, y: line[place + 1]! };
}

export function moveCorner(polygons: readonly Polygon[], at: Corner, to: Point): Polygon[] {
  return changed(polygons, at.polygon, (line) =>
    line.with(2 * at.corner, to.x).with(2 * at.corner + 1, to.y),
  );
}

export function insertCorner(polygons: readonly Polygon[], after: Corner, point: Point): Polygon[] {
  return changed(polygons, after.polygon, (line) =>
    line.toSpliced(2 * after.corner + 2, 0, point.x, point.y),
  );
}

/** A polygon with fewer than three corners left goes altogether. */
export function removeCorner(polygons: readonly Polygon[], at: Corner): Polygon[] {
  return changed(polygons, at.polygon, (line) => line.toSpliced(2 * at.corner, 2)).filter(
    (line) => line.length >= 6,
  );
}

function changed(polygons: readonly Polygon[], which: number, change: (line: Polygon) => Polygon): Polygon[] {
  return polygons.map((line, index) => (index === which ? change(line) : line));
}
