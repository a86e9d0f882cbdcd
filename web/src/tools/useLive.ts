/** State that a hand changes: several events of the pointer may come before the page is drawn once. */

import type { RefObject } from "react";
import { useCallback, useRef, useState } from "react";

/** What is drawn, what holds for the next event, and the way to change both. */
export function useLive<Value>(): [
  drawn: Value | undefined,
  now: RefObject<Value | undefined>,
  set: (value: Value | undefined) => void,
] {
  const [drawn, setDrawn] = useState<Value>();
  const now = useRef<Value>(undefined);
  const set = useCallback((value: Value | undefined): void => {
    now.current = value;
    setDrawn(() => value);
  }, []);
  return [drawn, now, set];
}
