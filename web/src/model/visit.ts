/**
 * What a tab remembers of its visit to a photo, so that a reload does not end undo and redo: every document of the
 * history, and what the server was known to have. Documents share most of their pieces, and so does the text that is
 * kept: each piece is written once. A visit holds until the next change, and is written when the page goes out of sight.
 */

import type { Place } from "./drafts";
import type { Command, History } from "./history";

export interface Codec<Document, Known, Piece extends object> {
  /** What a document is made of; pieces that did not change are the same objects in the next one. */
  readonly pieces: (document: Document) => readonly Named<Piece>[];
  readonly whole: (pieces: readonly Named<Piece>[]) => Document;
  readonly pack: (piece: Piece) => unknown;
  readonly unpack: (packed: unknown) => Piece;
  /** `put` gives the number of a piece, `get` the piece again. */
  readonly packKnown: (known: Known, put: (piece: Piece) => number) => unknown;
  readonly unpackKnown: (packed: unknown, get: (number: number) => Piece) => Known;
}

export type Named<Piece> = readonly [name: string, piece: Piece];

export interface Visit<Document, Known> {
  readonly history: History<Document>;
  readonly known: Known;
}

interface Packed {
  readonly format: 1;
  readonly pool: readonly unknown[];
  readonly documents: readonly (readonly (readonly [name: string, number: number])[])[];
  readonly labels: readonly string[];
  /** Which of the documents is the present one. */
  readonly at: number;
  readonly known: unknown;
}

/** Of what a browser gives a tab (five million letters in most), one photo takes no more than this. */
const MOST_LETTERS = 2_000_000;
const SHELF = "amodal/visit/";

export function keepVisit<Document, Known, Piece extends object>(
  place: Shelf,
  key: string,
  visit: Visit<Document, Known>,
  codec: Codec<Document, Known, Piece>,
  most = MOST_LETTERS,
): void {
  let { history } = visit;
  let text = JSON.stringify(packed({ ...visit, history }, codec));
  while (text.length > most && history.done.length + history.undone.length > 0) {
    history = shortened(history);
    text = JSON.stringify(packed({ ...visit, history }, codec));
  }
  try {
    place.setItem(SHELF + key, text);
  } catch {
    // Full: what is remembered of other photos makes room for this one.
    for (const other of keysOf(place)) if (other.startsWith(SHELF)) place.removeItem(other);
    try {
      place.setItem(SHELF + key, text);
    } catch {
      // Undo then ends with the reload; the drawing itself lies in a draft and on the server.
    }
  }
}

export function readVisit<Document, Known, Piece extends object>(
  place: Place,
  key: string,
  codec: Codec<Document, Known, Piece>,
): Visit<Document, Known> | undefined {
  try {
    const text = place.getItem(SHELF + key);
    const kept = text === null ? undefined : (JSON.parse(text) as Packed);
    return kept?.format === 1 ? unpacked(kept, codec) : undefined;
  } catch {
    return undefined;
  }
}

export function dropVisit(place: Place, key: string): void {
  try {
    place.removeItem(SHELF + key);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

export interface Shelf extends Place {
  readonly length: number;
  key(index: number): string | null;
}

function keysOf(place: Shelf): string[] {
  return Array.from({ length: place.length }, (_, index) => place.key(index) ?? "");
}

/** Half of what can be undone is forgotten, the oldest; then half of what can be done again. */
function shortened<Document>(history: History<Document>): History<Document> {
  const half = <Kept>(list: readonly Kept[]): readonly Kept[] => list.slice(Math.ceil(list.length / 2));
  if (history.done.length > 0) return { ...history, done: half(history.done) };
  return { ...history, undone: half(history.undone) };
}

function packed<Document, Known, Piece extends object>(
  { history, known }: Visit<Document, Known>,
  codec: Codec<Document, Known, Piece>,
): Packed {
  const numbers = new Map<Piece, number>();
  const put = (piece: Piece): number => {
    const number = numbers.get(piece) ?? numbers.size;
    numbers.set(piece, number);
    return number;
  };
  const ahead = history.undone.toReversed();
  const line = [...history.done.map((one) => one.before), history.present, ...ahead.map((one) => one.after)];
  const documents = line.map((one) => codec.pieces(one).map(([name, piece]) => [name, put(piece)] as const));
  const labels = [...history.done, ...ahead].map((one) => one.label);
  const packedKnown = codec.packKnown(known, put);
  const pool = [...numbers.keys()].map(codec.pack);
  return { format: 1, pool, documents, labels, at: history.done.length, known: packedKnown };
}

function unpacked<Document, Known, Piece extends object>(
  kept: Packed,
  codec: Codec<Document, Known, Piece>,
): Visit<Document, Known> {
  const pool = kept.pool.map(codec.unpack);
  const get = (number: number): Piece => {
    const piece = pool[number];
    if (!piece) throw new Error(`a visit without its piece ${number}`);
    return piece;
  };
  const line = kept.documents.map((one) => codec.whole(one.map(([name, number]) => [name, get(number)])));
  const commands = kept.labels.map((label, index): Command<Document> => ({
    label,
    before: line[index]!,
    after: line[index + 1]!,
  }));
  const present = line[kept.at];
  if (present === undefined || line.length !== commands.length + 1)
    throw new Error("a visit that is cut off");
  const history = { present, done: commands.slice(0, kept.at), undone: commands.slice(kept.at).toReversed() };
  return { history, known: codec.unpackKnown(kept.known, get) };
}
