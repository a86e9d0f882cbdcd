/** Pass 1 between table and server. */

import { apiOf, said } from "../api/client";
import type { ObjectItem, Order, PhotoDocument } from "../api/types";
import { Refusal } from "../model/autosave";
import type { BoxDocument, BoxObject, BoxStep, Known, KnownObject } from "../model/boxes";
import { heldOrder, livingEdges, nextStep, sameBox, sameEdges, withoutStep } from "../model/boxes";
import { draftKey, dropDraft, keepDraft, readDraft } from "../model/drafts";
import { asBox } from "../model/geometry";
import type { History } from "../model/history";
import type { Edge } from "../model/order";
import type { Codec } from "../model/visit";
import { dropVisit, keepVisit, readVisit } from "../model/visit";
import type { Plan, Table } from "./useDesk";

type Api = ReturnType<typeof apiOf>;

export type BoxTable = Table<BoxDocument, Known>;

function boxTable(server: PhotoDocument): BoxTable {
  const nameOf = new Map(server.objects.map((one) => [one.id, one.key ?? String(one.id)]));
  const name = (id: number): string => nameOf.get(id) ?? String(id);
  const alive = server.objects.filter((one) => !one.deleted);
  const edges = server.order.edges.map((pair) => edgeOf(pair.map(name)));
  return {
    document: {
      objects: alive.map((one) => ({ key: name(one.id), label: one.label, box: asBox(one.box) })),
      edges,
    },
    known: {
      objects: Object.fromEntries(server.objects.map((one) => [name(one.id), knownObject(one)])),
      order: { version: server.order.version, edges },
    },
  };
}

export function knownObject(one: ObjectItem): KnownObject {
  return {
    id: one.id,
    version: one.version,
    label: one.label,
    box: asBox(one.box),
    deleted: one.deleted ?? false,
  };
}

export interface OpenTable extends BoxTable {
  readonly history: History<BoxDocument> | undefined;
}

/** The table as it was left, with what others did meanwhile wherever it does not touch what was changed here. */
export function openBoxTable(key: string, server: PhotoDocument): OpenTable {
  const fresh = boxTable(server);
  const visit = readVisit(sessionStorage, key, CODEC);
  const left = visit && { document: visit.history.present, known: visit.known };
  const kept = readDraft<BoxTable>(localStorage, key) ?? left;
  const table = kept ? rebased(kept, fresh) : fresh;
  // What others changed is no step of ours: then undo begins anew.
  const same = visit && JSON.stringify(visit.history.present) === JSON.stringify(table.document);
  return same
    ? { document: visit.history.present, known: table.known, history: visit.history }
    : { ...table, history: undefined };
}

type BoxPiece = BoxObject | BoxDocument["edges"];

const CODEC: Codec<BoxDocument, Known, BoxPiece> = {
  pieces: ({ objects, edges }) => [["", edges], ...objects.map((one) => [one.key, one] as const)],
  whole: ([first, ...rest]) => ({
    objects: rest.map(([, one]) => one as BoxObject),
    edges: first![1] as BoxDocument["edges"],
  }),
  pack: (piece) => piece,
  unpack: (packed) => packed as BoxPiece,
  packKnown: (known) => known,
  unpackKnown: (packed) => packed as Known,
};

function rebased(draft: BoxTable, fresh: BoxTable): BoxTable {
  const keyOf = new Map(Object.entries(draft.known.objects).map(([key, one]) => [one.id, key]));
  const objects = { ...draft.known.objects };
  let document = draft.document;
  for (const [name, theirs] of Object.entries(fresh.known.objects)) {
    const key = keyOf.get(theirs.id) ?? name;
    const [old, mine] = [objects[key], document.objects.find((one) => one.key === key)];
    if (old && old.version === theirs.version) continue;
    if (!old && mine) {
      // Made here, and only the answer was lost. Where others went on from it, asking for it again tells.
      if (theirs.version === 1) objects[key] = theirs;
      continue;
    }
    if (old && !untouched(mine, old)) continue; // saving it will meet their version, and both will be shown
    objects[key] = theirs;
    const others = document.objects.filter((one) => one.key !== key);
    document = {
      ...document,
      objects: theirs.deleted ? others : [...others, { key, label: theirs.label, box: theirs.box }],
    };
  }
  const alive = new Set(Object.values(fresh.known.objects).map((one) => one.id));
  for (const [key, old] of Object.entries(draft.known.objects)) {
    if (alive.has(old.id) || old.deleted) continue;
    const mine = document.objects.find((one) => one.key === key);
    if (mine && !untouched(mine, old)) continue; // deleted by others, changed here: saving it will ask
    objects[key] = { ...old, deleted: true };
    document = { ...document, objects: document.objects.filter((one) => one !== mine) };
  }
  const name = (key: string): string => keyOf.get(fresh.known.objects[key]?.id ?? 0) ?? key;
  const theirEdges = fresh.known.order.edges.map(([a, b]) => [name(a), name(b)] as const);
  const sameVersion = fresh.known.order.version === draft.known.order.version;
  if (sameVersion || !sameEdges(livingEdges(draft.document), draft.known.order.edges)) {
    return { document, known: { objects, order: draft.known.order } };
  }
  return {
    document: { ...document, edges: theirEdges },
    known: { objects, order: { version: fresh.known.order.version, edges: theirEdges } },
  };
}

function untouched(mine: BoxObject | undefined, old: KnownObject): boolean {
  return mine ? mine.label === old.label && sameBox(mine.box, old.box) : old.deleted;
}

export function boxPlan(photo: number, owner: string): Plan<BoxDocument, Known, BoxStep> {
  const [api, key] = [apiOf(owner), draftKey(owner, "boxes", photo)];
  return {
    next: nextStep,
    held: heldOrder,
    without: withoutStep,
    send: (step, known) => send(api, photo, step, known),
    keep: (table, unsaved) => {
      if (unsaved) return keepDraft(localStorage, key, table);
      dropDraft(localStorage, key);
      return true;
    },
    remember: (visit) => keepVisit(sessionStorage, key, visit, CODEC),
    forget: () => dropVisit(sessionStorage, key),
  };
}

async function send(api: Api, photo: number, step: BoxStep, known: Known): Promise<(known: Known) => Known> {
  if (step.kind === "order") {
    const body = { version: step.version, edges: step.edges.map(([a, b]): [number, number] => [a, b]) };
    const order = await said(api.PUT("/api/photos/{id}/order", { params: { path: { id: photo } }, body }));
    return learnOrder(order, known);
  }
  const one = await sendObject(api, photo, step);
  return learnObject(step.key, one);
}

async function sendObject(
  api: Api,
  photo: number,
  step: Exclude<BoxStep, { kind: "order" }>,
): Promise<ObjectItem> {
  if (step.kind === "create") {
    // The key makes one object of a request that is sent again because its answer was lost.
    const body = { label: step.label, box: [...step.box] as [number, number, number, number], key: step.key };
    const one = await said(api.POST("/api/photos/{id}/objects", { params: { path: { id: photo } }, body }));
    // Made by a request whose answer was lost, and then deleted or changed by others.
    if (one.version > 1) throw new Refusal(409, "this was changed meanwhile", one);
    return one;
  }
  const path = { id: step.id };
  if (step.kind === "restore") return said(api.POST("/api/objects/{id}/restore", { params: { path } }));
  if (step.kind === "remove") {
    return said(api.DELETE("/api/objects/{id}", { params: { path, query: { version: step.version } } }));
  }
  const { version, label } = step;
  const body = { version, label, box: [...step.box] as [number, number, number, number] };
  return said(api.PATCH("/api/objects/{id}", { params: { path }, body }));
}

export function edgeOf<Key>([front, behind]: readonly Key[]): Edge<Key> {
  return [front!, behind!];
}

export function learnObject(key: string, one: ObjectItem): (known: Known) => Known {
  return (known) => ({ ...known, objects: { ...known.objects, [key]: knownObject(one) } });
}

export function learnOrder(order: Order, before: Known): (known: Known) => Known {
  const keyOf = new Map(Object.entries(before.objects).map(([key, one]) => [one.id, key]));
  const edges = order.edges.map((pair) => edgeOf(pair.map((id) => keyOf.get(id) ?? String(id))));
  return (known) => ({ ...known, order: { version: order.version, edges } });
}
