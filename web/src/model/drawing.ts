/** Pass 2: one annotator's masks of one photo, and what the server does not know of them yet. */

import type { Polygon } from "./fill";
import { fillPolygons } from "./fill";
import type { Frame } from "./geometry";
import { visibleMask } from "./inmodal";
import type { Mask } from "./mask";
import { emptyMask, intersect, sameMask } from "./mask";
import { outlines } from "./outline";
import type { Rle } from "./rle";
import { decode, encode } from "./rle";

export type Source = "drawn" | "proposal" | "edited" | "imported";

export interface Drawing {
  /** The outlines, where they say exactly what `amodal` is; null once a brush went over it. */
  readonly polygons: readonly Polygon[] | null;
  readonly amodal: Mask;
  /** A correction of what is visible; null where it follows from the whole masks and the order. */
  readonly inmodal: Mask | null;
  readonly source: Source;
  readonly state: "draft" | "done";
}

export type MaskDocument = Readonly<Record<number, Drawing>>;

export interface KnownMask {
  readonly version: number;
  readonly drawing: Drawing | undefined;
}

export type KnownMasks = Readonly<Record<number, KnownMask>>;

export interface MaskStep {
  readonly kind: "mask";
  readonly id: number;
  readonly version: number;
  readonly drawing: Drawing;
}

/** The coarsest outline that is still taken for the mask a brush painted. */
const OUTLINE_TOLERANCE_PX = 0.75;

export function nextMaskStep(
  document: MaskDocument,
  known: KnownMasks,
  frame: Frame,
  skip: (step: MaskStep) => boolean = () => false,
): MaskStep | undefined {
  const ids = new Set([...Object.keys(document), ...Object.keys(known)].map(Number));
  for (const id of ids) {
    const old = known[id];
    // Undone back to nothing: what the server has becomes an empty draft; its versions stay there.
    const drawing = document[id] ?? (old?.drawing && blank(frame));
    if (drawing && !sameDrawing(drawing, old?.drawing)) {
      const step: MaskStep = { kind: "mask", id, version: old?.version ?? 0, drawing };
      if (!skip(step)) return step;
    }
  }
  return undefined;
}

export function sameMaskStep(a: MaskStep, b: MaskStep): boolean {
  return a.id === b.id && a.version === b.version && sameDrawing(a.drawing, b.drawing);
}

/** One object as the server has it: nothing drawn, where nothing is known. */
export function asKnown(document: MaskDocument, known: KnownMasks, id: number): MaskDocument {
  const theirs = known[id]?.drawing;
  const others = Object.fromEntries(Object.entries(document).filter(([key]) => Number(key) !== id));
  return theirs ? { ...others, [id]: theirs } : others;
}

export function blank(frame: Frame): Drawing {
  return { polygons: [], amodal: emptyMask(frame), inmodal: null, source: "drawn", state: "draft" };
}

export function withPolygons(drawing: Drawing, frame: Frame, polygons: readonly Polygon[]): Drawing {
  return edited(drawing, { polygons, amodal: fillPolygons(frame, polygons) });
}

export function withMask(drawing: Drawing, amodal: Mask): Drawing {
  return edited(drawing, { polygons: null, amodal });
}

export function withVisible(drawing: Drawing, inmodal: Mask | null): Drawing {
  return edited(drawing, { inmodal: inmodal && intersect(inmodal, drawing.amodal) });
}

/** Outlines to pull at; from the pixels where a brush painted them. */
export function polygonsOf(drawing: Drawing): readonly Polygon[] {
  return drawing.polygons ?? outlines(drawing.amodal, OUTLINE_TOLERANCE_PX);
}

/** Visible masks that are only made anew when something changed, so that their pictures can be kept. */
export class VisibleMasks {
  private readonly kept = new Map<number, { from: readonly unknown[]; mask: Mask | undefined }>();

  /** `fronts`: who takes common pixels from the object. */
  of(id: number, document: MaskDocument, fronts: readonly number[]): Mask | undefined {
    const from = [document[id]?.amodal, document[id]?.inmodal, ...fronts.map((one) => document[one]?.amodal)];
    const old = this.kept.get(id);
    if (old && old.from.length === from.length && old.from.every((one, place) => one === from[place]))
      return old.mask;
    const mask = visibleOf(id, document, fronts);
    this.kept.set(id, { from, mask });
    return mask;
  }
}

function visibleOf(id: number, document: MaskDocument, fronts: readonly number[]): Mask | undefined {
  const own = document[id];
  if (!own || own.inmodal) return own?.inmodal ?? undefined;
  const amodal = new Map(
    [id, ...fronts].flatMap((one) => (document[one] ? [[one, document[one].amodal]] : [])),
  );
  return visibleMask(id, amodal, fronts);
}

/** Whatever outlines they came from. */
export function sameMasks(a: Drawing, b: Drawing): boolean {
  if (a.state !== b.state || !sameMask(a.amodal, b.amodal)) return false;
  if (!a.inmodal || !b.inmodal) return a.inmodal === b.inmodal;
  return sameMask(a.inmodal, b.inmodal);
}

export function sameDrawing(a: Drawing, b: Drawing | undefined): boolean {
  if (a === b) return true;
  if (!b || a.source !== b.source || !sameMasks(a, b)) return false;
  return (a.polygons === null) === (b.polygons === null) && samePolygons(a.polygons ?? [], b.polygons ?? []);
}

export interface StoredDrawing {
  readonly polygons: readonly Polygon[] | null;
  readonly amodal: Rle;
  readonly inmodal: Rle | null;
  readonly source: Source;
  readonly state: "draft" | "done";
}

const written = new WeakMap<Drawing, StoredDrawing>();

/** Written once for each drawing: drafts are kept after every stroke, and most drawings are as they were. */
export function stored(drawing: Drawing): StoredDrawing {
  const kept = written.get(drawing) ?? {
    ...drawing,
    amodal: encode(drawing.amodal),
    inmodal: drawing.inmodal && encode(drawing.inmodal),
  };
  written.set(drawing, kept);
  return kept;
}

export function unstored(drawing: StoredDrawing): Drawing {
  return {
    ...drawing,
    amodal: decode(drawing.amodal),
    inmodal: drawing.inmodal && decode(drawing.inmodal),
  };
}

/** A change by hand: a proposal becomes an edited one, what was done is open again, a correction stays inside. */
function edited(drawing: Drawing, change: Partial<Drawing>): Drawing {
  const next = { ...drawing, ...change };
  const inmodal = next.inmodal && intersect(next.inmodal, next.amodal);
  const source = drawing.source === "drawn" ? "drawn" : "edited";
  return { ...next, inmodal, source, state: "draft" };
}

function samePolygons(a: readonly Polygon[], b: readonly Polygon[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
