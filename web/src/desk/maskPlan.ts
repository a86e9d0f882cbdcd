/** Pass 2 between table and server. */

import { apiOf, said } from "../api/client";
import type { ObjectItem, PhotoDocument, ServerMask } from "../api/types";
import type { Clock } from "../model/clock";
import { draftKey, dropDraft, keepDraft, readDraft } from "../model/drafts";
import type { Drawing, KnownMask, KnownMasks, MaskDocument, MaskStep, StoredDrawing } from "../model/drawing";
import {
  nextMaskStep,
  sameDrawing,
  sameMasks,
  sameMaskStep,
  stored,
  unstored,
  asKnown,
} from "../model/drawing";
import type { Frame } from "../model/geometry";
import type { History } from "../model/history";
import { decode, encode } from "../model/rle";
import { isSettled } from "../model/standing";
import type { Codec } from "../model/visit";
import { dropVisit, keepVisit, readVisit } from "../model/visit";
import type { Plan, Table } from "./useDesk";

export type MaskTable = Table<MaskDocument, KnownMasks>;

/** What the browser keeps: the table, and the corners of outlines that are not closed yet. */
export interface MaskDraft {
  readonly drawings: Readonly<Record<number, StoredDrawing>>;
  readonly known: Readonly<Record<number, { version: number; drawing: StoredDrawing | null }>>;
  /** One alone, or none, where an earlier version of the page has kept it. */
  readonly open?: OpenOutlines | OpenOutline;
  /** Measured so far, of each object. */
  readonly seconds: Readonly<Record<number, number>>;
}

export interface OpenMasks extends MaskTable {
  readonly open: OpenOutlines;
  readonly history: History<MaskDocument> | undefined;
  readonly seconds: ReadonlyMap<number, number>;
}

export interface OpenOutline {
  readonly id: number;
  readonly points: readonly number[];
}

/** One of each object at most; the one that the hand was at last comes last. */
export type OpenOutlines = readonly OpenOutline[];

/** The outlines after one object's became `points`, or was closed or left. */
export function withOutline(open: OpenOutlines, id: number, points?: readonly number[]): OpenOutlines {
  const others = open.filter((one) => one.id !== id);
  return points?.length ? [...others, { id, points }] : others;
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

/** What is there now, as a conflict says; an empty answer means that nothing is drawn there any more. */
export function knownOf(current: unknown): KnownMask {
  const mask = current as Partial<ServerMask> | null | undefined;
  return { version: mask?.version ?? 0, drawing: mask?.amodal && drawingOf(mask as ServerMask) };
}

/** One's own masks, and of what is settled the decision: opened again, it is what one goes on from. */
function maskTable(server: PhotoDocument): MaskTable {
  const masks = server.objects.flatMap((one) => {
    const drawing = decided(one) ?? (one.mask && drawingOf(one.mask));
    return drawing ? [{ id: one.id, version: one.mask?.version ?? 0, drawing }] : [];
  });
  const known = Object.fromEntries(masks.map(({ id, version, drawing }) => [id, { version, drawing }]));
  return { document: Object.fromEntries(masks.map(({ id, drawing }) => [id, drawing])), known };
}

function decided(one: ObjectItem): Drawing | undefined {
  const { consensus, mask } = one;
  if (!isSettled(consensus) || !consensus?.amodal) return undefined;
  const inmodal = consensus.inmodal_corrected && consensus.inmodal ? decode(consensus.inmodal) : null;
  const own = mask && drawingOf(mask);
  const drawing: Drawing = {
    polygons: null,
    amodal: decode(consensus.amodal),
    inmodal,
    source: own?.source ?? "imported",
    state: "done",
  };
  return own && sameMasks(own, drawing) ? own : drawing; // one's own still has its corners
}

/** The table as it was left, over what the server has by now. */
export function openMaskTable(key: string, server: PhotoDocument): OpenMasks {
  const draft = readDraft<MaskDraft>(localStorage, key);
  const visit = readVisit(sessionStorage, key, CODEC);
  const fresh = maskTable(server);
  const table = draft ? withDraft(draft, fresh, server) : fresh;
  const seconds = secondsOf(server, [draft, visit?.known]);
  const drawable = server.objects.filter((one) => !one.deleted && !isSettled(one.consensus));
  const there = new Set(drawable.map((one) => one.id));
  const open = [draft?.open ?? []].flat().filter((one) => there.has(one.id));
  // A mask is only its annotator's, so what differs was saved in another window, or decided or opened meanwhile.
  const same =
    visit &&
    server.objects.every((one) => {
      const [drawn, now] = [visit.history.present[one.id], table.document[one.id]];
      if (isSettled(one.consensus)) return Boolean(drawn && now && sameMasks(drawn, now));
      return isOf(visit.known.masks, fresh.known, one.id) || (drawn ? sameDrawing(drawn, now) : !now);
    });
  if (!same) return { ...table, open, seconds, history: undefined };
  const known = Object.fromEntries(
    Object.entries(table.known).map(([id, one]) => {
      const mine = visit.known.masks[Number(id)];
      return [id, mine?.version === one.version ? mine : one];
    }),
  );
  return { document: visit.history.present, known, open, seconds, history: visit.history };
}

function withDraft(draft: MaskDraft, fresh: MaskTable, server: PhotoDocument): MaskTable {
  const document: Record<number, Drawing> = { ...fresh.document };
  const known: Record<number, KnownMask> = { ...fresh.known };
  for (const { id } of server.objects) {
    const [mine, base] = [draft.drawings[id], draft.known[id]];
    if (!mine) continue;
    const drawing = unstored(mine);
    if (sameDrawing(drawing, base?.drawing ? unstored(base.drawing) : undefined)) continue;
    document[id] = drawing;
    // The version that it was drawn on: if another came meanwhile, saving shows both.
    const version = base?.version ?? 0;
    known[id] = {
      version,
      drawing: fresh.known[id]?.version === version ? fresh.known[id]?.drawing : undefined,
    };
  }
  return { document, known };
}

/** What was measured before a reload goes on; in a new round, which begins at version 0, from nothing. */
function secondsOf(server: PhotoDocument, kept: readonly (Measured | undefined)[]): Map<number, number> {
  return new Map(
    server.objects.map(({ id, mask }) => {
      const version = mask?.version ?? 0;
      const here = kept.map((one) => (one && measuredAt(one, id) <= version ? (one.seconds[id] ?? 0) : 0));
      return [id, Math.max(version > 0 ? mask!.seconds : 0, ...here)];
    }),
  );
}

type Measured = Pick<MaskDraft, "seconds"> & ({ readonly known: MaskDraft["known"] } | VisitKnown);

function measuredAt(one: Measured, id: number): number {
  return ("masks" in one ? one.masks[id] : one.known[id])?.version ?? 0;
}

/** Whether the same is known of an object. While it was settled that was the decision, under the version of one's own. */
function isOf(before: KnownMasks, now: KnownMasks, id: number): boolean {
  const [then, there] = [before[id], now[id]];
  if (then?.version !== there?.version) return false;
  return !then?.drawing || !there?.drawing || sameMasks(then.drawing, there.drawing);
}

interface VisitKnown {
  readonly masks: KnownMasks;
  readonly seconds: Readonly<Record<number, number>>;
}

const CODEC: Codec<MaskDocument, VisitKnown, Drawing> = {
  pieces: (document) => Object.entries(document),
  whole: (pieces) => Object.fromEntries(pieces),
  pack: stored,
  unpack: (packed) => unstored(packed as StoredDrawing),
  packKnown: ({ masks, seconds }, put) => ({
    masks: Object.entries(masks).map(([id, { version, drawing }]) => [
      id,
      version,
      drawing ? put(drawing) : null,
    ]),
    seconds,
  }),
  unpackKnown: (packed, get) => {
    const { masks, seconds } = packed as PackedKnown;
    return {
      masks: Object.fromEntries(
        masks.map(([id, version, at]) => [id, { version, drawing: at === null ? undefined : get(at) }]),
      ),
      seconds,
    };
  },
};

interface PackedKnown {
  readonly masks: readonly (readonly [id: string, version: number, at: number | null])[];
  readonly seconds: Readonly<Record<number, number>>;
}

export function maskPlan(
  owner: string,
  photo: Frame & { readonly id: number },
  clock: Clock,
  open: () => OpenOutlines,
): Plan<MaskDocument, KnownMasks, MaskStep> {
  const [api, key] = [apiOf(owner), draftKey(owner, "masks", photo.id)];
  return {
    next: (document, known, skip) => nextMaskStep(document, known, photo, skip),
    same: sameMaskStep,
    without: (document, known, { id }) => asKnown(document, known, id),
    send: (step) => send(api, step, clock),
    keep: (table, unsaved) => {
      if (unsaved || open().length) return keepDraft(localStorage, key, draftOf(table, open(), clock.all()));
      dropDraft(localStorage, key);
      return true;
    },
    remember: ({ history, known }) =>
      keepVisit(sessionStorage, key, { history, known: { masks: known, seconds: clock.all() } }, CODEC),
    forget: () => dropVisit(sessionStorage, key),
  };
}

function draftOf(table: MaskTable, open: OpenOutlines, seconds: MaskDraft["seconds"]): MaskDraft {
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
    seconds,
  };
}

async function send(
  api: ReturnType<typeof apiOf>,
  step: MaskStep,
  clock: Clock,
): Promise<(known: KnownMasks) => KnownMasks> {
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
