/**
 * Pass 1: what is on the expert's table, and what the server does not know of it yet. Undo only changes the table;
 * the next step to the server always follows from comparing the two.
 */

import type { Box } from "./geometry";
import { rounded } from "./geometry";
import type { Edge } from "./order";
import { findCycle } from "./order";

export interface BoxObject {
  readonly key: string;
  readonly label: string;
  readonly box: Box;
}

export interface BoxDocument {
  readonly objects: readonly BoxObject[];
  readonly edges: readonly Edge<string>[];
}

/** What the server has said. `deleted` objects are remembered, so that undo can bring them back. */
export interface Known {
  readonly objects: Readonly<Record<string, KnownObject>>;
  readonly order: { readonly version: number; readonly edges: readonly Edge<string>[] };
}

export interface KnownObject {
  readonly id: number;
  readonly version: number;
  readonly label: string;
  readonly box: Box;
  readonly deleted: boolean;
}

export type BoxStep =
  | { readonly kind: "create"; readonly key: string; readonly label: string; readonly box: Box }
  | {
      readonly kind: "change";
      readonly key: string;
      readonly id: number;
      readonly version: number;
      readonly label: string;
      readonly box: Box;
    }
  | { readonly kind: "restore"; readonly key: string; readonly id: number }
  | { readonly kind: "remove"; readonly key: string; readonly id: number; readonly version: number }
  | { readonly kind: "order"; readonly version: number; readonly edges: readonly Edge<number>[] };

/**
 * What to tell the server next, if anything. Removing comes last: an order may not name what is gone. What is to be
 * skipped holds up nothing else: the order is told without objects that the server does not have.
 */
export function nextStep(
  document: BoxDocument,
  known: Known,
  skip: (step: BoxStep) => boolean = () => false,
): BoxStep | undefined {
  for (const one of document.objects) {
    const step = objectStep(one, known.objects[one.key]);
    if (step && !skip(step)) return step;
  }
  const order = orderStep(document, known);
  if (order && !skip(order)) return order;
  const living = new Set(document.objects.map((one) => one.key));
  for (const [key, old] of Object.entries(known.objects)) {
    if (living.has(key) || old.deleted) continue;
    const step: BoxStep = { kind: "remove", key, id: old.id, version: old.version };
    if (!skip(step)) return step;
  }
  return undefined;
}

function objectStep({ key, label, box }: BoxObject, old: KnownObject | undefined): BoxStep | undefined {
  if (!old) return { kind: "create", key, label, box: rounded(box) };
  if (old.deleted) return { kind: "restore", key, id: old.id };
  if (old.label === label && sameBox(old.box, box)) return undefined;
  return { kind: "change", key, id: old.id, version: old.version, label, box: rounded(box) };
}

function orderStep(document: BoxDocument, known: Known): BoxStep | undefined {
  const edges = edgesToTell(document, known);
  // The server refuses a cycle; the page shows it, and waits until it is gone.
  if (sameEdges(edges, known.order.edges) || findCycle(edges)) return undefined;
  const id = (key: string): number => known.objects[key]?.id ?? Number(key);
  return {
    kind: "order",
    version: known.order.version,
    edges: edges.map(([a, b]) => [id(a), id(b)] as const),
  };
}

/** Why the order is not told, in words. */
export function heldOrder(document: BoxDocument, known: Known): string | undefined {
  return findCycle(edgesToTell(document, known))
    ? "the order, as some objects hide each other in a circle; break it first."
    : undefined;
}

function edgesToTell(document: BoxDocument, known: Known): Edge<string>[] {
  const there = livingEdges(document).filter((pair) =>
    pair.every((key) => known.objects[key]?.deleted === false),
  );
  // Edges of objects that somebody else drew meanwhile are not on this table, and stay as they are.
  const foreign = known.order.edges.filter((pair) => pair.some((key) => !known.objects[key]));
  return [...there, ...foreign];
}

/** The object, or the order, of a step as the server has it. */
export function withoutStep(document: BoxDocument, known: Known, step: BoxStep): BoxDocument {
  if (step.kind === "order") return { ...document, edges: known.order.edges };
  const theirs = known.objects[step.key];
  if (!theirs || theirs.deleted) return removeObject(document, step.key);
  const own = { label: theirs.label, box: theirs.box };
  if (document.objects.some((one) => one.key === step.key)) return changeObject(document, step.key, own);
  return addObject(document, { key: step.key, ...own });
}

/** An object's own name before the server has given it an id; drawn by chance, as several pages may be open. */
export function newKey(): string {
  const chance = crypto.getRandomValues(new Uint8Array(12)); // randomUUID is only there over https
  return `new-${Array.from(chance, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export function livingEdges(document: BoxDocument): Edge<string>[] {
  const living = new Set(document.objects.map((one) => one.key));
  return document.edges.filter(([a, b]) => living.has(a) && living.has(b));
}

export function addObject(document: BoxDocument, one: BoxObject): BoxDocument {
  return { ...document, objects: [...document.objects, one] };
}

export function changeObject(
  document: BoxDocument,
  key: string,
  change: Partial<Omit<BoxObject, "key">>,
): BoxDocument {
  const objects = document.objects.map((one) => (one.key === key ? { ...one, ...change } : one));
  return { ...document, objects };
}

export function removeObject(document: BoxDocument, key: string): BoxDocument {
  return {
    objects: document.objects.filter((one) => one.key !== key),
    edges: document.edges.filter((pair) => !pair.includes(key)),
  };
}

/** The same as far as the server is told: a mouse draws finer than that, and so may a file that was imported. */
export function sameBox(a: Box, b: Box): boolean {
  const theirs = rounded(b);
  return rounded(a).every((value, place) => value === theirs[place]);
}

export function sameEdges<Key>(a: readonly Edge<Key>[], b: readonly Edge<Key>[]): boolean {
  const name = ([front, behind]: Edge<Key>): string => `${String(front)}>${String(behind)}`;
  return a.map(name).toSorted().join() === b.map(name).toSorted().join();
}
