/** Pass 2 between table and server. */

import { api, said } from "../api/client";
import type { PhotoDocument, ServerMask } from "../api/types";
import type { Clock } from "../model/clock";
import { dropDraft, keepDraft, readDraft } from "../model/drafts";
import type { Drawing, KnownMasks, MaskDocument, MaskStep, StoredDrawing } from "../model/drawing";
import { nextMaskStep, sameDrawing, stored, unstored } from "../model/drawing";
import type { Frame } from "../model/geometry";
import { decode, encode } from "../model/rle";
import type { Plan, Table } from "./useDesk";

export type MaskTable = Table<MaskDocument, KnownMasks>;

/** What the browser keeps: the table, and the corners of an outline that is not closed yet. */
export interface MaskDraft {
  readonly drawings: Readonly<Record<number, StoredDrawing>>;
  readonly known: Readonly<Record<number, { version: number; drawing: StoredDrawing | null }>>;
  readonly open: OpenOutline | undefined;
}

export interface OpenOutline {
  readonly id: number;
  readonly points: readonly number[];
}

export function drawingOf(mask: ServerMask): Drawing {
  return {
    polygons: mask.polygons.length ? mask.polygons : null,
    amodal: decode(mask.amodal),
    inmodal: mask.inmodal_corrected ? decode(mask.inmodal) : null,
    source: mask.source,
    state: mask.state,
  };
}

export function maskTable(server: PhotoDocument): MaskTable {
  const masks = server.objects.flatMap((one) => (one.mask ? [{ id: one.id, mask: one.mask }] : []));
  const known = Object.fromEntries(
    masks.map(({ id, mask }) => [id, { version: mask.version, drawing: drawingOf(mask) }]),
  );
  return { document: Object.fromEntries(masks.map(({ id }) => [id, known[id]!.drawing])), known };
}

/** The table as it was left, over what the server has by now. */
export function openMaskTable(
  key: string,
  server: PhotoDocument,
): MaskTable & { open: OpenOutline | undefined } {
  const fresh = maskTable(server);
  const draft = readDraft<MaskDraft>(localStorage, key);
  if (!draft) return { ...fresh, open: undefined };
  const document: Record<number, Drawing> = { ...fresh.document };
  const known: KnownMasks = { ...fresh.known };
  for (const one of server.objects) {
    const [mine, base] = [draft.drawings[one.id], draft.known[one.id]];
    if (!mine) continue;
    const drawing = unstored(mine);
    if (sameDrawing(drawing, base?.drawing ? unstored(base.drawing) : undefined)) continue;
    document[one.id] = drawing;
    // The version that it was drawn on: if another came meanwhile, saving shows both.
    const version = base?.version ?? 0;
    (known as Record<number, KnownMasks[number]>)[one.id] = {
      version,
      drawing: fresh.known[one.id]?.version === version ? fresh.known[one.id]?.drawing : undefined,
    };
  }
  return { document, known, open: draft.open };
}

export function maskPlan(
  key: string,
  frame: Frame,
  clock: Clock,
  open: () => OpenOutline | undefined,
): Plan<MaskDocument, KnownMasks, MaskStep> {
  return {
    next: (document, known) => nextMaskStep(document, known, frame),
    send: (step) => send(step, clock),
    keep: (table, unsaved) => {
      if (unsaved || open()) keepDraft(localStorage, key, draftOf(table, open()));
      else dropDraft(localStorage, key);
    },
  };
}

function draftOf(table: MaskTable, open: OpenOutline | undefined): MaskDraft {
  const each = <From, To>(
    from: Readonly<Record<number, From>>,
    turn: (one: From) => To,
  ): Record<number, To> => Object.fromEntries(Object.entries(from).map(([id, one]) => [id, turn(one)]));
  return {
    drawings: each(table.document, stored),
    known: each(table.known, (one) => ({
      version: one.version,
      drawing: one.drawing ? stored(one.drawing) : null,
    })),
    open,
  };
}

async function send(step: MaskStep, clock: Clock): Promise<(known: KnownMasks) => KnownMasks> {
  const { id, version, drawing } = step;
  const body = {
    version,
    ...(drawing.polygons
      ? { polygons: drawing.polygons.map((line) => [...line]) }
      : { amodal: encode(drawing.amodal) }),
    inmodal: drawing.inmodal && encode(drawing.inmodal),
    source: drawing.source,
    seconds: clock.seconds(id),
    state: drawing.state,
  };
  const mask = await said(api.PUT("/api/objects/{id}/mask", { params: { path: { id } }, body }));
  // What was sent is what is known: outlines come back as numbers that may differ in the last digit.
  return (known) => ({ ...known, [id]: { version: mask.version, drawing } });
}
