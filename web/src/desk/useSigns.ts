/** Tells a clock whenever hands are seen: a key, the pointer, the wheel, wherever on the page. */

import { useEffect } from "react";

import type { Clock } from "../model/clock";

const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel"] as const;

export function useSigns(clock: Clock): void {
  useEffect(() => {
    const sign = (): void => clock.sign();
    for (const name of SIGNS) window.addEventListener(name, sign, { passive: true });
    return () => {
      for (const name of SIGNS) window.removeEventListener(name, sign);
    };
  }, [clock]);
}
