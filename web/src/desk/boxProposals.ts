/** The model's boxes and order for pass 1. */

import { useCallback, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import type { PhotoDocument, Proposal } from "../api/types";
import type { BoxDocument, Known } from "../model/boxes";
import { addObject } from "../model/boxes";
import { asBox } from "../model/geometry";
import type { Edge } from "../model/order";
import { findCycle, overlapping, unsaid } from "../model/order";
import { counted } from "../model/words";
import type { ProposalsAtHand } from "../panels/ProposalPanel";
import { edgeOf, learnObject } from "./boxPlan";
import type { Desk } from "./useDesk";
import { whyUnsaved } from "./useDesk";

export interface BoxProposals extends ProposalsAtHand {
  /** A find's class and number, the same as long as the photo is open. */
  readonly nameOf: (proposal: Proposal) => string;
}

/** `labelOf` gives the category that a proposal's class becomes: models know others than the project may have. */
export function useBoxProposals(
  server: PhotoDocument,
  desk: Desk<BoxDocument, Known>,
  labelOf: (label: string) => string,
): BoxProposals {
  const photo = server.photo.id;
  const [open, setOpen] = useState<readonly Proposal[]>(() => newBoxes(server.proposals ?? []));
  const [found, setFound] = useState(open);
  const [note, setNote] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  const ask = useCallback((): void => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    setNote(undefined);
    const asking = async (): Promise<void> => {
      const why = await whyUnsaved(desk);
      if (why) return setProblem(`The model is not asked: ${why}`);
      const answer = await said(
        api.POST("/api/photos/{id}/proposals", { params: { path: { id: photo } }, body: {} }),
      );
      const finds = newBoxes(answer.proposals);
      setOpen(finds);
      setFound(finds);
      const known = desk.known();
      const edges = answer.edges
        .map((pair) => edgeOf(pair.map(keysOf(known))))
        .filter((pair) => pair.every((key) => known.objects[key]));
      desk.edit("order by the model", (now) => {
        const next = withProposedOrder(now, edges);
        if (!finds.length) setNote(wordsOfAnswer(now, next));
        return next;
      });
    };
    asking()
      .catch((error: unknown) => setProblem(wordsOf(error)))
      .finally(() => setBusy(false));
  }, [busy, desk, photo]);

  const judge = useCallback(
    (proposal: Proposal, verdict: "accepted" | "refused"): void => {
      setNote(undefined);
      setOpen((old) => old.filter((one) => one.id !== proposal.id));
      const body = { verdict, label: labelOf(proposal.label) };
      said(api.POST("/api/proposals/{id}/verdict", { params: { path: { id: proposal.id } }, body })).then(
        ({ object, edges }) => {
          if (!object) return;
          const key = String(object.id);
          const order = (edges ?? []).map((pair) => edgeOf(pair.map(keysOf(desk.known()))));
          desk.resolve(learnObject(key, object), `took ${object.label}`, (now) =>
            withProposedOrder(addObject(now, { key, label: object.label, box: asBox(object.box) }), order),
          );
        },
        (error: unknown) => {
          setOpen((old) => [proposal, ...old]);
          setProblem(wordsOf(error));
        },
      );
    },
    [desk, labelOf],
  );
  const nameOf = useCallback(
    (proposal: Proposal): string =>
      `${proposal.label} ${found.findIndex((one) => one.id === proposal.id) + 1}`,
    [found],
  );
  return { open, busy, problem, note, ask, judge, nameOf };
}

/** What the model's answer did where it found no new objects. */
export function wordsOfAnswer(before: BoxDocument, after: BoxDocument): string {
  if (!after.objects.length) return "The model found no objects.";
  const masks = "Masks are proposed on the Masks page.";
  const more = after.edges.length - before.edges.length;
  const rest = unsaid(after.objects, after.edges).length;
  if (more) return `The model said the order of ${counted(more, "pair")}; undo takes it back. ${masks}`;
  if (rest) return `The model sees no order of ${counted(rest, "pair")} without one. ${masks}`;
  const pairs = overlapping(after.objects).length;
  return `No order to propose: ${pairs ? "every pair has one" : "no two objects overlap"}. ${masks}`;
}

/** What the page calls an object; one that comes in with a later answer has its id for a name. */
function keysOf(known: Known): (id: number) => string {
  const keyOf = new Map(Object.entries(known.objects).map(([key, one]) => [one.id, key]));
  return (id) => keyOf.get(id) ?? String(id);
}

function newBoxes(proposals: readonly Proposal[]): Proposal[] {
  return proposals.filter((one) => one.verdict === "open" && one.object_id === null);
}

/** Only pairs that nobody ordered, and no edge that would close a circle. */
function withProposedOrder(document: BoxDocument, proposed: readonly Edge<string>[]): BoxDocument {
  let edges = document.edges;
  for (const [front, behind] of proposed) {
    if (edges.some((pair) => pair.includes(front) && pair.includes(behind))) continue;
    const more = [...edges, [front, behind] as const];
    if (!findCycle(more)) edges = more;
  }
  return edges === document.edges ? document : { ...document, edges };
}
