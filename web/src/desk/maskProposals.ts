/** The model's masks for pass 2: taken as they are, finished by hand, or refused; what became of each is told. */

import { useCallback, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import type { PhotoDocument, Proposal } from "../api/types";
import type { Drawing, KnownMasks, MaskDocument } from "../model/drawing";
import { unite } from "../model/mask";
import { decode } from "../model/rle";
import type { ProposalsAtHand } from "../panels/ProposalPanel";
import type { Desk } from "./useDesk";
import type { Verdict } from "./verdicts";
import { useVerdicts } from "./verdicts";

export interface MaskProposals extends ProposalsAtHand {
  readonly finish: (proposal: Proposal) => void;
  /** An object is done: a proposal that it began with was taken as it is, edited, or after all not used. */
  readonly recordDone: (id: number, drawing: Drawing) => void;
}

/** `ids`: the objects that may be drawn; for the others there is nothing to take. */
export function useMaskProposals(
  owner: string,
  server: PhotoDocument,
  ids: readonly number[],
  desk: Desk<MaskDocument, KnownMasks>,
  choose: (id: number) => void,
): MaskProposals {
  const photo = server.photo.id;
  const [all, setAll] = useState<readonly Proposal[]>(() => proposalsOf(server));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const verdicts = useVerdicts(owner, photo);

  const ask = useCallback((): void => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    said(api.POST("/api/photos/{id}/proposals", { params: { path: { id: photo } }, body: {} }))
      .then(({ proposals }) => setAll(proposals.filter((one) => one.object_id !== null)))
      .catch((error: unknown) => setProblem(wordsOf(error)))
      .finally(() => setBusy(false));
  }, [busy, photo]);

  const { tell } = verdicts;
  const record = useCallback(
    (proposal: Proposal, verdict: Verdict): void => {
      if (proposal.verdict === verdict) return;
      setAll((old) => old.map((one) => (one.id === proposal.id ? { ...one, verdict } : one)));
      tell(proposal.id, verdict);
    },
    [tell],
  );
  const judge = useCallback(
    (proposal: Proposal, verdict: "accepted" | "refused"): void => {
      const id = proposal.object_id;
      if (id === null) return;
      record(proposal, verdict);
      if (verdict === "refused") return;
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
    [choose, desk, record],
  );
  const finish = useCallback(
    (proposal: Proposal): void => {
      const id = proposal.object_id;
      if (id === null) return;
      record(proposal, "edited");
      choose(id);
      const seen = decode(proposal.inmodal);
      const drawing: Drawing = {
        polygons: null,
        amodal: unite(decode(proposal.amodal), seen),
        inmodal: seen,
        source: "edited",
        state: "draft",
      };
      desk.edit("took the visible part", (now) => ({ ...now, [id]: drawing }));
    },
    [choose, desk, record],
  );
  const recordDone = useCallback(
    (id: number, drawing: Drawing): void => {
      const proposal = all.find((one) => one.object_id === id);
      if (!proposal) return;
      if (drawing.source === "proposal") record(proposal, "accepted");
      else if (drawing.source === "edited") record(proposal, "edited");
      else if (proposal.verdict === "accepted") record(proposal, "refused"); // taken, then drawn anew after all
    },
    [all, record],
  );
  // Of one that was taken, and the taking undone, there is still something to say.
  const open = all.filter(
    (one) => ids.includes(one.object_id!) && one.verdict !== "refused" && !desk.document[one.object_id!],
  );
  return { open, busy, problem: problem ?? (verdicts.problem || undefined), ask, judge, finish, recordDone };
}

function proposalsOf(server: PhotoDocument): Proposal[] {
  const mine = server.objects.flatMap((one) => (one.proposal ? [one.proposal] : []));
  const others = (server.proposals ?? []).filter((one) => !mine.some((two) => two.id === one.id));
  return [...mine, ...others].filter((one) => one.object_id !== null);
}
