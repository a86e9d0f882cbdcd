import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Box } from "./geometry";
import { asBox } from "./geometry";
import { maskFromBits } from "./mask";
import { visibleMask } from "./inmodal";
import { has } from "./mask";
import type { Edge } from "./order";
import {
  findCycle,
  nearer,
  nearToFar,
  numbering,
  orderFromList,
  overlapping,
  putInFront,
  unsaid,
} from "./order";
import ordered from "./ordered.json";

const box = (x: number, y: number, side = 10): Box => [x, y, x + side, y + side];
const row = [
  { key: 1, box: box(0, 0) },
  { key: 2, box: box(5, 0) },
  { key: 3, box: box(12, 0) },
  { key: 4, box: box(50, 0) },
];

describe("numbers", () => {
  test("grow by one along each chain, and what nothing hides is 0", () => {
    const found = numbering(row, [
      [1, 2],
      [2, 3],
    ]);
    expect(found.clusters).toEqual([[1, 2, 3], [4]]);
    expect(Object.fromEntries(found.numbers)).toEqual({ 1: 0, 2: 1, 3: 2, 4: 0 });
    expect(found.open).toEqual([]);
  });

  test("pairs that overlap are named where neither an order nor their numbers say who is in front", () => {
    expect(numbering(row, []).open).toEqual([[1, 2], [2, 3]]); // prettier-ignore
    expect(numbering(row, [[1, 2]]).open).toEqual([]);
  });

  test("a pair that chance numbers differently is unsaid all the same, one joined by a chain is not", () => {
    expect(unsaid(row, [[1, 2]])).toEqual([[2, 3]]);
    const pile = [1, 2, 3].map((key) => ({ key, box: box(key, 0) }));
    expect(unsaid(pile, [[1, 2], [2, 3]])).toEqual([]); // prettier-ignore
    expect(unsaid(pile, [[3, 1]])).toEqual([[1, 2], [2, 3]]); // prettier-ignore
  });

  test("a cycle is shown instead of numbers", () => {
    const found = numbering(row, [
      [1, 2],
      [2, 3],
      [3, 1],
    ]);
    expect(found.cycle?.toSorted()).toEqual([1, 2, 3]);
    expect(found.numbers.size).toBe(0);
  });

  test.each(ordered.map((one, number) => [number, one] as const))(
    "and clusters, who is nearer and what is to be said are as the server has it: case %i",
    (_, one) => {
      const objects = one.boxes.map((corners, key) => ({ key, box: asBox(corners) }));
      const edges = one.edges.map(([front, behind]) => [front!, behind!] as const);
      const found = numbering(objects, edges);
      expect(found.clusters).toEqual(one.clusters);
      expect(objects.map(({ key }) => found.numbers.get(key))).toEqual(one.numbers);
      const byName = (list: readonly number[]) => list.toSorted((a, b) => a - b);
      expect(objects.map(({ key }) => byName(nearer(key, found, edges)))).toEqual(one.nearer);
      expect(found.open.toSorted()).toEqual(one.open.toSorted());
      expect(found.apart.toSorted()).toEqual(one.apart.toSorted());
    },
  );

  const graphs = fc.array(
    fc.tuple(fc.nat(7), fc.nat(7)).filter(([a, b]) => a !== b),
    { maxLength: 14 },
  );

  test("a cycle is found exactly where taking away free objects leaves some", () => {
    fc.assert(
      fc.property(graphs, (edges) => {
        let rest: Edge<number>[] = edges;
        for (let round = 0; round < 20; round++) {
          rest = rest.filter(([front]) => rest.some(([, behind]) => behind === front));
        }
        const cycle = findCycle(edges);
        expect(cycle !== undefined).toBe(rest.length > 0);
        cycle?.forEach((key, place) => {
          const next = cycle[(place + 1) % cycle.length];
          expect(edges.some(([a, b]) => a === key && b === next)).toBe(true);
        });
      }),
    );
  });

  test("two objects of one number never hide each other", () => {
    fc.assert(
      fc.property(graphs, (pairs) => {
        const edges = pairs.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
        const objects = Array.from({ length: 8 }, (_, key) => ({ key, box: box(0, 0) }));
        const { numbers } = numbering(objects, edges);
        for (const [a, b] of edges) expect(numbers.get(a)!).toBeLessThan(numbers.get(b)!);
        for (let key = 0; key < 8; key++) {
          const longest = edges.filter(([, b]) => b === key).map(([a]) => numbers.get(a)! + 1);
          expect(numbers.get(key)).toBe(Math.max(0, ...longest));
        }
      }),
    );
  });
});

describe("a list from near to far", () => {
  test("orders every overlapping pair, and reads back as the same list", () => {
    const edges = orderFromList([3, 1, 2], row, []);
    expect(edges.toSorted()).toEqual([
      [1, 2],
      [3, 2],
    ]);
    expect(nearToFar([1, 2, 3], numbering(row, orderFromList([3, 2, 1], row, [])).numbers)).toEqual([
      3, 2, 1,
    ]);
  });

  test("turns an order round, and leaves other clusters alone", () => {
    const edges = orderFromList([2, 1], row, [
      [1, 2],
      [3, 4],
    ]);
    expect(edges).toEqual([
      [3, 4],
      [2, 1],
    ]);
  });
});

test("saying who is in front replaces what was said of the pair", () => {
  expect(putInFront([[1, 2]], 2, 1)).toEqual([[2, 1]]);
});

test("boxes that only touch do not overlap", () => {
  expect(
    overlapping([
      { key: 1, box: box(0, 0) },
      { key: 2, box: box(10, 0) },
    ]),
  ).toEqual([]);
});

test("a pixel that several whole masks share is seen of the one in front", () => {
  const frame = { width: 6, height: 1 };
  const run = (from: number, to: number) =>
    maskFromBits(frame, from, 0, to - from, 1, new Uint8Array(to - from).fill(1));
  const amodal = new Map([
    [1, run(0, 3)],
    [2, run(2, 5)],
    [3, run(1, 6)],
  ]);
  const fronts = new Map([[1, []], [2, [1]], [3, [1, 2]]]); // prettier-ignore
  const seen = (key: number) =>
    [0, 1, 2, 3, 4, 5].map((x) => Number(has(visibleMask(key, amodal, fronts.get(key)!)!, x, 0))).join("");
  expect([seen(1), seen(2), seen(3)]).toEqual(["111000", "000110", "000001"]);
});
