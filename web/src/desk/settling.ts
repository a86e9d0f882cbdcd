/** What the expert draws to settle an object, between table and browser: the server hears of the decision alone. */

import type { Consensus, ObjectItem, PhotoDocument } from "../api/types";
import { dropDraft, keepDraft, readDraft } from "../model/drafts";
import type { Drawing, KnownMasks, MaskDocument, StoredDrawing } from "../model/drawing";
import { sameDrawing, stored, unstored } from "../model/drawing";
import { decode } from "../model/rle";
import { drawingOf } from "./maskPlan";
import type { Plan } from "./useDesk";

interface SettleDraft {
  /** Of the decision that it was drawn over. */
  readonly version: number;
  readonly drawing: StoredDrawing;
}

/** The object as the vote, or the first mask, has it, among the others as far as they are known. */
export function votedTable(server: PhotoDocument): MaskDocument {
  return Object.fromEntries(
    server.objects.flatMap((one) => {
      const drawing = one.deleted ? undefined : voted(one);
      return drawing ? [[one.id, drawing]] : [];
    }),
  );
}

/** What was drawn before a reload, where nobody has decided since. */
export function openSettling(
  key: string,
  item: ObjectItem,
  consensus: Consensus,
  table: MaskDocument,
): MaskDocument {
  const draft = readDraft<SettleDraft>(localStorage, key);
  if (!draft || draft.version !== consensus.version) return table;
  return { ...table, [item.id]: unstored(draft.drawing) };
}

export function settlePlan(
  key: string,
  item: ObjectItem,
  consensus: Consensus,
  table: MaskDocument,
  isDecided: () => boolean,
): Plan<MaskDocument, KnownMasks, never> {
  return {
    next: () => undefined,
    send: () => Promise.reject(new Error("nothing to send")),
    keep: ({ document }) => {
      const drawing = document[item.id];
      if (drawing && !isDecided() && !sameDrawing(drawing, table[item.id])) {
        return keepDraft(localStorage, key, { version: consensus.version, drawing: stored(drawing) });
      }
      dropDraft(localStorage, key);
      return true;
    },
  };
}

function voted({ consensus }: ObjectItem): Drawing | undefined {
  if (consensus?.amodal) {
    const amodal = decode(consensus.amodal);
    return { polygons: null, amodal, inmodal: null, source: "drawn", state: "draft" };
  }
  const first = consensus?.masks?.[0];
  return first && drawingOf(first);
}
