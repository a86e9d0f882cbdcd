/** Visible masks: each whole mask less those of the objects in front of it. */

import type { Mask } from "./mask";
import { subtract } from "./mask";
import type { Edge } from "./order";

export function visibleMask<Key>(
  key: Key,
  amodal: ReadonlyMap<Key, Mask>,
  edges: readonly Edge<Key>[],
): Mask | undefined {
  const whole = amodal.get(key);
  if (!whole) return undefined;
  return edges
    .filter(([, behind]) => behind === key)
    .reduce((seen, [front]) => {
      const hiding = amodal.get(front);
      return hiding ? subtract(seen, hiding) : seen;
    }, whole);
}
