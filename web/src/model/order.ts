/**
 * Who is in front of whom in one photo: clusters, KINS's numbers, cycles. The server decides; this is the same rule,
 * so that the numbers move while the hand does (`ordered.json` holds both to it). Keys are whatever names the objects.
 */

import type { Box } from "./geometry";
import { boxesOverlap } from "./geometry";

export type Edge<Key> = readonly [front: Key, behind: Key];

export interface Placed<Key> {
  readonly key: Key;
  readonly box: Box;
}

export interface Numbering<Key> {
  readonly clusters: readonly (readonly Key[])[];
  /** Empty where the order has a cycle. */
  readonly numbers: ReadonlyMap<Key, number>;
  readonly cycle: readonly Key[] | undefined;
  /** Pairs that overlap and have one number; of the others the smaller number is in front. */
  readonly open: readonly Edge<Key>[];
  /** What is said of objects that do not overlap; no number follows from it. */
  readonly apart: readonly Edge<Key>[];
}

/** Only edges between objects that overlap count. */
export function numbering<Key>(objects: readonly Placed<Key>[], edges: readonly Edge<Key>[]): Numbering<Key> {
  const keys = objects.map((one) => one.key);
  const known = edges.filter(([front, behind]) => keys.includes(front) && keys.includes(behind));
  const pairs = overlapping(objects);
  const names = new Set(pairs.map(([a, b]) => pairName(keys, a, b)));
  const meeting = known.filter(([a, b]) => names.has(pairName(keys, a, b)));
  const cycle = findCycle(known);
  const numbers: ReadonlyMap<Key, number> = cycle ? new Map() : depths(keys, meeting);
  return {
    clusters: clusters(keys, pairs),
    numbers,
    cycle,
    open: cycle ? [] : pairs.filter(([a, b]) => numbers.get(a) === numbers.get(b)),
    apart: known.filter((edge) => !meeting.includes(edge)),
  };
}

/** Who takes common pixels from an object: smaller numbers of its cluster, and who is said to be in front. */
export function nearer<Key>(
  key: Key,
  { clusters, numbers }: Pick<Numbering<Key>, "clusters" | "numbers">,
  edges: readonly Edge<Key>[],
): Key[] {
  const own = numbers.get(key) ?? 0;
  const members = clusters.find((one) => one.includes(key)) ?? [];
  const said = edges.filter(([, behind]) => behind === key).map(([front]) => front);
  return [...new Set([...members.filter((one) => (numbers.get(one) ?? 0) < own), ...said])];
}

export function overlapping<Key>(objects: readonly Placed<Key>[]): Edge<Key>[] {
  const found: Edge<Key>[] = [];
  objects.forEach((one, index) => {
    for (const other of objects.slice(index + 1)) {
      if (boxesOverlap(one.box, other.box)) found.push([one.key, other.key]);
    }
  });
  return found;
}

export function clusters<Key>(keys: readonly Key[], pairs: readonly Edge<Key>[]): Key[][] {
  const group = new Map(keys.map((key) => [key, [key]]));
  for (const [a, b] of pairs) {
    const [one, other] = [group.get(a)!, group.get(b)!];
    if (one === other) continue;
    one.push(...other);
    for (const key of other) group.set(key, one);
  }
  return [...new Set(keys.map((key) => group.get(key)!))].map((members) =>
    members.toSorted((a, b) => keys.indexOf(a) - keys.indexOf(b)),
  );
}

/**
 * Pairs that overlap and of which nobody has said who is in front, not by way of others either. Of those that `open`
 * leaves out the numbers say it, by chance.
 */
export function unsaid<Key>(objects: readonly Placed<Key>[], edges: readonly Edge<Key>[]): Edge<Key>[] {
  const behind = grouped(edges, 0);
  const after = (front: Key, found = new Set<Key>()): Set<Key> => {
    for (const [, next] of behind.get(front) ?? []) if (!found.has(next)) after(next, found.add(next));
    return found;
  };
  const reached = new Map(objects.map(({ key }) => [key, after(key)]));
  return overlapping(objects).filter(([a, b]) => !reached.get(a)!.has(b) && !reached.get(b)!.has(a));
}

/** A cycle of the order, from front to behind, if there is one. */
export function findCycle<Key>(edges: readonly Edge<Key>[]): Key[] | undefined {
  const behind = grouped(edges, 0);
  const finished = new Set<Key>();
  const walk = (key: Key, path: Key[]): Key[] | undefined => {
    if (path.includes(key)) return path.slice(path.indexOf(key));
    if (finished.has(key)) return undefined;
    for (const [, next] of behind.get(key) ?? []) {
      const cycle = walk(next, [...path, key]);
      if (cycle) return cycle;
    }
    finished.add(key);
    return undefined;
  };
  for (const key of behind.keys()) {
    const cycle = walk(key, []);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Say that one object is in front of another; what was said of the two before goes. */
export function putInFront<Key>(edges: readonly Edge<Key>[], front: Key, behind: Key): Edge<Key>[] {
  return [...withoutPair(edges, front, behind), [front, behind]];
}

export function withoutPair<Key>(edges: readonly Edge<Key>[], a: Key, b: Key): Edge<Key>[] {
  return edges.filter(([front, behind]) => !((front === a && behind === b) || (front === b && behind === a)));
}

/** The members of a cluster by their numbers; ties, and all where there are none, keep their place. */
export function nearToFar<Key>(members: readonly Key[], numbers: ReadonlyMap<Key, number>): Key[] {
  return members.toSorted((a, b) => (numbers.get(a) ?? 0) - (numbers.get(b) ?? 0));
}

/**
 * One object is moved in a list from near to far: of it and each that it passed, where the two overlap or had an order,
 * the one that is nearer now is in front. The list also ranks objects that nobody spoke of, so nothing else is said.
 */
export function moveInList<Key>(
  list: readonly Key[],
  key: Key,
  place: number,
  objects: readonly Placed<Key>[],
  edges: readonly Edge<Key>[],
): Edge<Key>[] {
  const from = list.indexOf(key);
  const passed = list.slice(Math.min(from, place), Math.max(from, place) + 1);
  const met = metBy(key, objects, edges);
  return passed
    .filter((other) => met.has(other))
    .reduce<Edge<Key>[]>(
      (order, other) => (place < from ? putInFront(order, key, other) : putInFront(order, other, key)),
      [...edges],
    );
}

/** The place past the next object, one step nearer (-1) or farther (1), that overlaps or had an order; its own if none. */
export function nextPlace<Key>(
  list: readonly Key[],
  key: Key,
  step: -1 | 1,
  objects: readonly Placed<Key>[],
  edges: readonly Edge<Key>[],
): number {
  const from = list.indexOf(key);
  const met = metBy(key, objects, edges);
  for (let place = from + step; place in list; place += step) if (met.has(list[place]!)) return place;
  return from;
}

function metBy<Key>(key: Key, objects: readonly Placed<Key>[], edges: readonly Edge<Key>[]): Set<Key> {
  const pairs = [...edges, ...overlapping(objects)].filter((pair) => pair.includes(key));
  return new Set(pairs.map(([a, b]) => (a === key ? b : a)));
}

/** 0 for what nothing hides, else one more than the last in front. The order has no cycle. */
function depths<Key>(keys: readonly Key[], edges: readonly Edge<Key>[]): Map<Key, number> {
  const front = grouped(edges, 1);
  const depth = new Map<Key, number>();
  const of = (key: Key): number => {
    const known = depth.get(key);
    if (known !== undefined) return known;
    const found = (front.get(key) ?? []).reduce((most, [one]) => Math.max(most, of(one) + 1), 0);
    depth.set(key, found);
    return found;
  };
  for (const key of keys) of(key);
  return depth;
}

function grouped<Key>(edges: readonly Edge<Key>[], end: 0 | 1): Map<Key, Edge<Key>[]> {
  const groups = new Map<Key, Edge<Key>[]>();
  for (const edge of edges) {
    const group = groups.get(edge[end]);
    if (group) group.push(edge);
    else groups.set(edge[end], [edge]);
  }
  return groups;
}

function pairName<Key>(keys: readonly Key[], a: Key, b: Key): string {
  return [keys.indexOf(a), keys.indexOf(b)].toSorted((x, y) => x - y).join("-");
}
