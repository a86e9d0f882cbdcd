/** Time for the boxes and the order of a photo, measured as for masks: while hands are seen, and over reloads. */

import { useEffect, useState } from "react";

import { apiOf, said } from "../api/client";
import { Clock } from "../model/clock";
import { draftKey, dropDraft, keepDraft, readDraft } from "../model/drafts";
import { useSigns } from "./useSigns";

const TELL_EVERY_MS = 15_000;

/** `seconds`: measured before, as the server has them. */
export function useBoxTime(photo: number, owner: string, seconds: number): void {
  const [clock] = useState(() => new Clock());
  useSigns(clock);
  useEffect(() => {
    const key = draftKey(owner, "box-seconds", photo);
    let told = seconds;
    clock.startFrom(photo, Math.max(seconds, readDraft<number>(localStorage, key) ?? 0));
    clock.choose(photo);
    const tell = (): void => {
      const now = clock.seconds(photo);
      if (now <= told) return;
      keepDraft(localStorage, key, now); // until the server has it
      const path = { id: photo };
      // A request that outlives the page: the last seconds are told when it is left.
      said(
        apiOf(owner).PUT("/api/photos/{id}/seconds", {
          params: { path },
          body: { seconds: now },
          keepalive: true,
        }),
      )
        .then(() => {
          told = Math.max(told, now);
          if (readDraft<number>(localStorage, key) === now) dropDraft(localStorage, key);
        })
        .catch(() => undefined); // it is told again, or when the photo is opened the next time
    };
    const hiding = (): void => {
      if (document.visibilityState === "hidden") tell();
    };
    const every = setInterval(tell, TELL_EVERY_MS);
    window.addEventListener("pagehide", tell);
    document.addEventListener("visibilitychange", hiding);
    return () => {
      clearInterval(every);
      window.removeEventListener("pagehide", tell);
      document.removeEventListener("visibilitychange", hiding);
      tell();
      clock.choose(undefined);
    };
  }, [clock, owner, photo, seconds]);
}
