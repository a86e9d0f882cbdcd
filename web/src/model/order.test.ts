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
  moveInList,
  nearer,
  nearToFar,
  nextPlace,
  numbering,
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

describe("an object that is moved in a list from near to far", () => {
  const pile = [1, 2, 3, 4].map((key) => ({ key, box: box(key, 0) }));

  test("to the top is in front of all that it passed, and nothing is said of the others", () => {
    expect(moveInList([2, 3, 4, 1], 1, 0, pile, [[3, 1]])).toEqual([[1, 2], [1, 3], [1, 4]]); // prettier-ignore
  });

  test("by one place settles no pair that nobody spoke of, not by a chain either", () => {
    const edges = moveInList([2, 3, 4, 1], 1, 2, pile, [[3, 1]]);
    expect(edges).toEqual([[3, 1], [1, 4]]); // prettier-ignore
    expect(unsaid(pile, edges)).toEqual([[1, 2], [2, 3], [2, 4]]); // prettier-ignore
  });

  test("farther is behind those that it passed", () => {
    expect(moveInList([1, 2, 3, 4], 1, 2, pile, [])).toEqual([[2, 1], [3, 1]]); // prettier-ignore
  });

  test("turns what was said of a pair that it passes, also of one that no longer overlaps", () => {
    expect(moveInList([1, 4], 4, 0, row, [[1, 4]])).toEqual([[4, 1]]); // prettier-ignore
  });

  test("breaks a circle that it is in", () => {
    const round = [[1, 2], [2, 3], [3, 1]] as const; // prettier-ignore
    expect(findCycle(moveInList([1, 2, 3], 3, 0, pile, round))).toBeUndefined();
  });

  test("by a key goes past those that it does not overlap, and stays where there is no other", () => {
    expect(nextPlace([2, 1, 3], 3, -1, row, [])).toBe(0);
    expect(nextPlace([2, 1, 3], 3, 1, row, [])).toBe(2);
    expect(nextPlace([4, 1, 3], 3, -1, row, [])).toBe(2);
  });

  const order = fc.array(
    fc.tuple(fc.nat(5), fc.nat(5)).filter(([a, b]) => a < b),
    { maxLength: 8 },
  );

  test("never leaves a circle in an order that had none", () => {
    fc.assert(
      fc.property(order, fc.nat(5), fc.nat(5), (said, key, place) => {
        const objects = Array.from({ length: 6 }, (_, one) => ({ key: one, box: box(0, 0) }));
        const list = nearToFar([0, 1, 2, 3, 4, 5], numbering(objects, said).numbers);
        expect(findCycle(moveInList(list, key, place, objects, said))).toBeUndefined();
      }),
    );
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
