import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { BoxDocument, BoxStep, Known } from "./boxes";
import { addObject, changeObject, nextStep, removeObject } from "./boxes";
import type { KnownMasks, MaskDocument } from "./drawing";
import {
  blank,
  nextMaskStep,
  polygonsOf,
  stored,
  unstored,
  withMask,
  withPolygons,
  withVisible,
} from "./drawing";
import { begin, perform, redo, undo } from "./history";
import { area, maskFromBox, sameMask } from "./mask";
import { putInFront } from "./order";

/** A server that does as it is told and counts versions. */
function told(known: Known, step: BoxStep): Known {
  const { objects } = known;
  const set = (key: string, change: object): Known => ({
    ...known,
    objects: { ...objects, [key]: { ...objects[key]!, ...change } },
  });
  const version = "key" in step ? (objects[step.key]?.version ?? 0) + 1 : 0;
  switch (step.kind) {
    case "create":
      return set(step.key, {
        id: 100 + Object.keys(objects).length,
        version,
        label: step.label,
        box: step.box,
        deleted: false,
      });
    case "change":
      expect(step.version).toBe(objects[step.key]!.version);
      return set(step.key, { version, label: step.label, box: step.box });
    case "restore":
      return set(step.key, { version, deleted: false });
    case "remove":
      return set(step.key, { version, deleted: true });
    case "order": {
      expect(step.version).toBe(known.order.version);
      const keys = Object.fromEntries(Object.entries(objects).map(([key, one]) => [one.id, key]));
      const edges = step.edges.map(([a, b]) => [keys[a]!, keys[b]!] as const);
      return { ...known, order: { version: known.order.version + 1, edges } };
    }
  }
}

function saved(document: BoxDocument, start: Known): Known {
  let known = start;
  for (let step = nextStep(document, known), count = 0; step; step = nextStep(document, known), count++) {
    expect(count).toBeLessThan(100);
    known = told(known, step);
  }
  return known;
}

function living(known: Known): unknown {
  return {
    objects: Object.entries(known.objects)
      .filter(([, one]) => !one.deleted)
      .map(([key, one]) => ({ key, label: one.label, box: one.box }))
      .toSorted((a, b) => a.key.localeCompare(b.key)),
    edges: known.order.edges.map((pair) => pair.join(">")).toSorted(),
  };
}

const nothing: Known = { objects: {}, order: { version: 0, edges: [] } };
const table: BoxDocument = { objects: [], edges: [] };

describe("pass 1", () => {
  const acts = fc.array(
    fc.tuple(fc.constantFrom("add", "move", "order", "remove", "undo", "redo", "save"), fc.nat(5), fc.nat(5)),
    { maxLength: 40 },
  );

  test("whatever is done, undone and saved, in the end the server has what lies on the table", () => {
    fc.assert(
      fc.property(acts, (list) => {
        let history = begin(table);
        let known = nothing;
        list.forEach(([act, a, b], time) => {
          const now = history.present;
          const [one, other] = [now.objects[a]?.key, now.objects[b]?.key];
          if (act === "add")
            history = perform(
              history,
              act,
              addObject(now, { key: `new-${time}`, label: "car", box: [a, b, a + 4, b + 4] }),
            );
          if (act === "move" && one)
            history = perform(history, act, changeObject(now, one, { box: [b, a, b + 3, a + 5] }));
          if (act === "order" && one && other && a < b)
            history = perform(history, act, { ...now, edges: putInFront(now.edges, one, other) });
          if (act === "remove" && one) history = perform(history, act, removeObject(now, one));
          if (act === "undo") history = undo(history);
          if (act === "redo") history = redo(history);
          if (act === "save") known = saved(history.present, known);
        });
        const { present } = history;
        known = saved(present, known);
        expect(living(known)).toEqual({
          objects: present.objects.toSorted((a, b) => a.key.localeCompare(b.key)),
          edges: present.edges.map((pair) => pair.join(">")).toSorted(),
        });
      }),
      { numRuns: 200 },
    );
  });

  test("an order with a cycle waits", () => {
    const objects = ["a", "b"].map((key) => ({ key, label: "car", box: [0, 0, 4, 4] as const }));
    const edges = [
      ["a", "b"],
      ["b", "a"],
    ] as const;
    const known = saved({ objects, edges: [] }, nothing);
    expect(nextStep({ objects, edges }, known)).toBeUndefined();
  });
});

describe("undo and redo", () => {
  test("walk back to the beginning and forth to the end, however long", () => {
    let history = begin(0);
    for (let step = 1; step <= 2000; step++) history = perform(history, `${step}`, step);
    for (let step = 1999; step >= 0; step--) {
      history = undo(history);
      expect(history.present).toBe(step);
    }
    expect(undo(history)).toBe(history);
    for (let step = 1; step <= 2000; step++) history = redo(history);
    expect(history.present).toBe(2000);
    expect(redo(history)).toBe(history);
  });

  test("a new command after undo takes the place of what was undone", () => {
    const history = perform(undo(perform(begin("a"), "b", "b")), "c", "c");
    expect(redo(history).present).toBe("c");
  });
});

describe("pass 2", () => {
  const frame = { width: 20, height: 10 };
  const square = [2, 2, 8, 2, 8, 8, 2, 8];

  test("an outline says exactly what the mask is, until a brush goes over it", () => {
    const drawn = withPolygons(blank(frame), frame, [square]);
    expect(area(drawn.amodal)).toBe(36);
    const painted = withMask(drawn, maskFromBox(frame, [2, 2, 9, 8]));
    expect(painted.polygons).toBeNull();
    expect(polygonsOf(painted)).toEqual([[2, 2, 9, 2, 9, 8, 2, 8]]);
  });

  test("a corrected visible part stays inside the whole mask", () => {
    const drawn = withPolygons(blank(frame), frame, [square]);
    const corrected = withVisible(drawn, maskFromBox(frame, [0, 0, 5, 10]));
    expect(sameMask(corrected.inmodal!, maskFromBox(frame, [2, 2, 5, 8]))).toBe(true);
    expect(area(withMask(corrected, maskFromBox(frame, [2, 2, 4, 8])).inmodal!)).toBe(12);
  });

  test("a change reopens what was done, and makes an edited mask of a proposal", () => {
    const drawn = {
      ...withPolygons(blank(frame), frame, [square]),
      source: "proposal",
      state: "done",
    } as const;
    const changed = withMask(drawn, maskFromBox(frame, [2, 2, 9, 8]));
    expect([changed.source, changed.state]).toEqual(["edited", "draft"]);
  });

  test("what is kept for a reload comes back as it was", () => {
    const drawn = withVisible(withPolygons(blank(frame), frame, [square]), maskFromBox(frame, [0, 0, 5, 10]));
    expect(unstored(JSON.parse(JSON.stringify(stored(drawn))))).toEqual(drawn);
  });

  test("only what differs from the server's is sent, an undone mask as an empty draft", () => {
    const drawn = withPolygons(blank(frame), frame, [square]);
    const document: MaskDocument = { 5: drawn };
    const none: KnownMasks = {};
    expect(nextMaskStep(document, none, frame)).toMatchObject({ id: 5, version: 0 });
    const known: KnownMasks = { 5: { version: 3, drawing: unstored(stored(drawn)) } };
    expect(nextMaskStep(document, known, frame)).toBeUndefined();
    expect(nextMaskStep({}, known, frame)).toMatchObject({ id: 5, version: 3, drawing: { polygons: [] } });
  });
});
