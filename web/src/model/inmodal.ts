/** Visible masks: each whole mask less those of the objects in front of it. */

import type { Mask } from "./mask";
import { subtract } from "./mask";

/** `fronts`: who takes common pixels from it, as `nearer` says. */
export function visibleMask<Key>(
  key: Key,
  amodal: ReadonlyMap<Key, Mask>,
  fronts: readonly Key[],
): Mask | undefined {
  const whole = amodal.get(key);
  if (!whole) return undefined;
  return fronts.reduce((seen, front) => {
    const hiding = amodal.get(front);
    return hiding ? subtract(seen, hiding) : seen;
  }, whole);
}
