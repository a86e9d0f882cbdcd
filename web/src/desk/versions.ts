/** Old versions out of an object's history, as they would lie on the table again. */

import type { Revision } from "../api/types";
import type { Drawing } from "../model/drawing";
import type { Box, Frame } from "../model/geometry";
import { asBox } from "../model/geometry";
import type { Rle } from "../model/rle";
import { decode } from "../model/rle";

/** The drawing of a version, where it has one. What was refused was kept without the photo's size. */
export function drawingIn(revision: Revision, frame: Frame): Drawing | undefined {
  const { amodal, inmodal, polygons } = revision.payload as Payload;
  if (!amodal) return undefined;
  const mask = (kept: Rle | string) =>
    decode(typeof kept === "string" ? { size: [frame.height, frame.width], counts: kept } : kept);
  return {
    polygons: polygons?.length ? polygons : null,
    amodal: mask(amodal),
    inmodal: inmodal ? mask(inmodal) : null,
    source: "drawn",
    state: "draft",
  };
}

/** Category and box of a version; one that was refused names only what was to be changed. */
export function boxIn(revision: Revision): { label?: string; box?: Box } | undefined {
  const { label, box } = revision.payload as Payload;
  if (revision.kind !== "object" || (!label && !box)) return undefined;
  return { ...(label ? { label } : {}), ...(box ? { box: asBox(box) } : {}) };
}

interface Payload {
  readonly amodal?: Rle | string | null;
  readonly inmodal?: Rle | string | null;
  readonly polygons?: number[][];
  readonly label?: string;
  readonly box?: number[];
}
