/** What became of proposals, told as soon as it is decided; what cannot be told now is kept and told later. */

import { useCallback, useEffect, useRef, useState } from "react";

import { apiOf, said } from "../api/client";
import { Autosave, Refusal } from "../model/autosave";
import { draftKey, dropDraft, keepDraft, readDraft } from "../model/drafts";

export type Verdict = "accepted" | "edited" | "refused";
type Untold = readonly [proposal: number, verdict: Verdict];

/** They wait in the browser under their owner's name, for nobody else's word may be told. */
export function useVerdicts(
  owner: string,
  photo: number,
): {
  tell: (proposal: number, verdict: Verdict) => void;
  problem: string;
} {
  const key = draftKey(owner, "verdicts", photo);
  const untold = useRef<readonly Untold[]>([]);
  const [problem, setProblem] = useState("");
  const put = useCallback(
    (next: readonly Untold[]): void => {
      untold.current = next;
      if (next.length) keepDraft(localStorage, key, next);
      else dropDraft(localStorage, key);
    },
    [key],
  );
  const [telling] = useState(
    () =>
      new Autosave<Untold>({
        next: (skip) => untold.current.find((one) => !skip(one)),
        send: async (one) => {
          const [id, verdict] = one;
          try {
            await said(
              apiOf(owner).POST("/api/proposals/{id}/verdict", {
                params: { path: { id } },
                body: { verdict },
              }),
            );
          } catch (error) {
            // The proposal is gone, say: asking again would not help, and others wait behind it.
            const hopeless = error instanceof Refusal && [400, 404, 422].includes(error.status);
            if (!hopeless) throw error;
            setProblem(error.message);
          }
          put(untold.current.filter((other) => other !== one));
        },
        tell: () => undefined,
      }),
  );
  useEffect(() => {
    untold.current = readDraft<Untold[]>(localStorage, key) ?? [];
    const online = (): void => void telling.now();
    online();
    window.addEventListener("online", online);
    return () => window.removeEventListener("online", online);
  }, [key, telling]);
  const tell = useCallback(
    (proposal: number, verdict: Verdict): void => {
      put([...untold.current.filter(([id]) => id !== proposal), [proposal, verdict]]);
      void telling.now();
    },
    [put, telling],
  );
  return { tell, problem };
}
