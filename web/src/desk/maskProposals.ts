/** The model's masks for pass 2: taken as they are, finished by hand, or refused; what became of each is told. */

import { useCallback, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import type { PhotoDocument, Proposal } from "../api/types";
import type { Drawing, KnownMasks, MaskDocument } from "../model/drawing";
import { decode } from "../model/rle";
import type { ProposalsAtHand } from "../panels/ProposalPanel";
import type { Desk } from "./useDesk";

export interface MaskProposals extends ProposalsAtHand {
  /** An object is done: if its mask came from a proposal, that one was accepted or edited. */
  readonly recordDone: (id: number, drawing: Drawing) => void;
}

export function useMaskProposals(
  server: PhotoDocument,
  desk: Desk<MaskDocument, KnownMasks>,
  choose: (id: number) => void,
): MaskProposals {
  const photo = server.photo.id;
  const [all, setAll] = useState<readonly Proposal[]>(() => proposalsOf(server));
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const tell = useCallback((id: number, verdict: "accepted" | "edited" | "refused"): void => {
    said(api.POST("/api/proposals/{id}/verdict", { params: { path: { id } }, body: { verdict } })).catch(
      (error: unknown) => setProblem(wordsOf(error)),
    );
  }, []);

  const ask = useCallback((): void => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    said(api.POST("/api/photos/{id}/proposals", { params: { path: { id: photo } }, body: {} }))
      .then(({ proposals }) => {
        setAll(proposals.filter((one) => one.object_id !== null && one.verdict === "open"));
        setHidden(new Set());
      })
      .catch((error: unknown) => setProblem(wordsOf(error)))
      .finally(() => setBusy(false));
  }, [busy, photo]);

  const judge = useCallback(
    (proposal: Proposal, verdict: "accepted" | "refused"): void => {
      const id = proposal.object_id;
      if (id === null) return;
      setHidden((old) => new Set([...old, proposal.id]));
      if (verdict === "refused") {
        tell(proposal.id, "refused");
        return;
      }
      choose(id);
      const drawing: Drawing = {
        polygons: null,
        amodal: decode(proposal.amodal),
        inmodal: null,
        source: "proposal",
        state: "draft",
      };
      desk.edit("took the model's mask", (now) => ({ ...now, [id]: drawing }));
    },
    [choose, desk, tell],
  );

  const recordDone = useCallback(
    (id: number, drawing: Drawing): void => {
      if (drawing.source !== "proposal" && drawing.source !== "edited") return;
      const proposal = all.find((one) => one.object_id === id);
      if (proposal) tell(proposal.id, drawing.source === "proposal" ? "accepted" : "edited");
    },
    [all, tell],
  );
  const open = all.filter(
    (one) => !hidden.has(one.id) && one.object_id !== null && !desk.document[one.object_id],
  );
  return { open, busy, problem, ask, judge, recordDone };
}

function proposalsOf(server: PhotoDocument): Proposal[] {
  const mine = server.objects.flatMap((one) => (one.proposal ? [one.proposal] : []));
  const others = (server.proposals ?? []).filter((one) => !mine.some((two) => two.id === one.id));
  return [...mine, ...others].filter((one) => one.object_id !== null && one.verdict === "open");
}
