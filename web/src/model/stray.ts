/** Masks that lie far outside their object's box: mostly of another object, or a slip of the hand. */

import type { Box } from "./geometry";
import type { Mask } from "./mask";
import { area, intersect, isEmpty, maskFromBox } from "./mask";

const LEAST_INSIDE = 0.5;
const MOST_BEYOND = 0.25;

export interface Stray {
  /** The share of the mask that lies in the box. */
  readonly inside: number;
  /** How far it reaches out, in sides of the box. */
  readonly beyond: number;
}

/** Undefined where the mask lies about where its box does. */
export function strayOf(mask: Mask, box: Box): Stray | undefined {
  if (isEmpty(mask)) return undefined;
  const [width, height] = [Math.max(1, box[2] - box[0]), Math.max(1, box[3] - box[1])];
  const inside = area(intersect(mask, maskFromBox(mask, box))) / area(mask);
  const beyond = Math.max(
    0,
    (box[0] - mask.x) / width,
    (mask.x + mask.w - box[2]) / width,
    (box[1] - mask.y) / height,
    (mask.y + mask.h - box[3]) / height,
  );
  return inside < LEAST_INSIDE || beyond > MOST_BEYOND ? { inside, beyond } : undefined;
}
