/** What a page opens with after a reload: drafts, visits, and what the server has by then. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { PhotoDocument } from "../api/types";
import type { BoxDocument } from "../model/boxes";
import {
  addObject,
  changeObject,
  heldOrder,
  newKey,
  nextStep,
  removeObject,
  withoutStep,
} from "../model/boxes";
import { Clock } from "../model/clock";
import { draftKey, keepDraft } from "../model/drafts";
import type { MaskDocument } from "../model/drawing";
import { blank, nextMaskStep, asKnown, withPolygons } from "../model/drawing";
import type { History } from "../model/history";
import { begin, perform, redo, undo } from "../model/history";
import { area } from "../model/mask";
import { encode } from "../model/rle";
import { boxPlan, openBoxTable } from "./boxPlan";
import { knownOf, maskPlan, openMaskTable } from "./maskPlan";

const FRAME = { width: 60, height: 40 };
const PHOTO = { id: 7, ...FRAME };
const OWNER = "project-a/1";
const [KEY, MASKS] = [draftKey(OWNER, "boxes", 7), draftKey(OWNER, "masks", 7)];

class Shelf {
  private readonly kept = new Map<string, string>();
  get length(): number {
    return this.kept.size;
  }
  key(index: number): string | null {
    return [...this.kept.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

beforeEach(() => {
  vi.stubGlobal("localStorage", new Shelf());
  vi.stubGlobal("sessionStorage", new Shelf());
});
afterEach(() => vi.unstubAllGlobals());

interface Row {
  id: number;
  box: readonly number[];
  version?: number;
  key?: string;
  label?: string;
  mask?: unknown;
  consensus?: unknown;
}

function server(objects: readonly Row[], edges: readonly number[][] = [], order = 0): PhotoDocument {
  return {
    photo: { id: 7, name: "a.png", ...FRAME },
    objects: objects.map((one) => ({ label: "car", version: 1, key: null, ...one })),
    order: { version: order, edges },
    proposals: [],
  } as unknown as PhotoDocument;
}

const BOX = [1, 1, 9, 9] as const;

describe("boxes after a reload", () => {
  const plan = boxPlan(7, OWNER);

  test("undo and redo go on where they were", () => {
    const photo = server([{ id: 3, box: BOX }]);
    const { document, known } = openBoxTable(KEY, photo);
    let history: History<BoxDocument> = begin(document);
    history = perform(history, "moved", changeObject(document, "3", { box: [2, 1, 10, 9] }));
    history = perform(history, "removed", removeObject(history.present, "3"));
    history = undo(undo(history)); // back to what the server has: nothing is left to save
    plan.remember!({ history, known });
    const opened = openBoxTable(KEY, photo);
    expect(opened.history).toEqual(history);
    expect(redo(opened.history!).present.objects[0]!.box).toEqual([2, 1, 10, 9]);
  });

  test("undo brings back what was removed before, as the same object", () => {
    const { document, known } = openBoxTable(KEY, server([{ id: 3, box: BOX }]));
    const history = perform(begin(document), "removed", removeObject(document, "3"));
    const gone = { ...known, objects: { "3": { ...known.objects["3"]!, version: 2, deleted: true } } };
    plan.remember!({ history, known: gone });
    const opened = openBoxTable(KEY, server([]));
    expect(nextStep(opened.document, opened.known)).toBeUndefined();
    expect(nextStep(undo(opened.history!).present, opened.known)).toEqual({
      kind: "restore",
      key: "3",
      id: 3,
    });
  });

  test("what others changed meanwhile is shown, and is no step of ours to undo", () => {
    const { document, known } = openBoxTable(KEY, server([{ id: 3, box: BOX }]));
    const history = perform(begin(document), "named", changeObject(document, "3", { label: "car" }));
    plan.remember!({ history, known });
    const opened = openBoxTable(KEY, server([{ id: 3, box: [5, 5, 20, 20], version: 2 }]));
    expect(opened.document.objects[0]!.box).toEqual([5, 5, 20, 20]);
    expect(opened.history).toBeUndefined();
  });

  test("a box whose answer was lost is the one that the server has", () => {
    const key = newKey();
    const { document, known } = openBoxTable(KEY, server([]));
    const drawn = addObject(document, { key, label: "car", box: BOX });
    keepDraft(localStorage, KEY, { document: drawn, known });
    const opened = openBoxTable(KEY, server([{ id: 3, box: BOX, key }]));
    expect(opened.document.objects.map((one) => one.key)).toEqual([key]);
    expect(nextStep(opened.document, opened.known)).toBeUndefined();
  });

  test("another project at the same address does not get them, though ids and versions are the same", () => {
    const { document, known } = openBoxTable(KEY, server([{ id: 3, box: BOX }]));
    const moved = changeObject(document, "3", { box: [2, 2, 12, 12] });
    plan.keep({ document: moved, known }, true);
    plan.remember!({ history: perform(begin(document), "moved", moved), known });
    plan.keep({ document: moved, known }, true);
    const there = openBoxTable(draftKey("project-b/1", "boxes", 7), server([{ id: 3, box: BOX }]));
    expect(there.document.objects[0]!.box).toEqual(BOX);
    expect(there.history).toBeUndefined();
  });

  describe("of a box as a mouse draws it, finer than what the server is told", () => {
    const key = newKey();
    const empty: BoxDocument = { objects: [], edges: [] };
    const drawn = addObject(empty, { key, label: "car", box: [1.2345678, 1, 9.1, 9.98765] });
    const there: Row = { id: 3, key, box: [1.23, 1, 9.1, 9.99] };
    const leave = (document: BoxDocument): void => {
      const { known } = openBoxTable(KEY, server([there]));
      plan.keep({ document, known }, nextStep(document, known) !== undefined);
      plan.remember!({ history: perform(begin(empty), "drew", document), known });
    };

    test("what somebody else deleted stays deleted", () => {
      leave(drawn);
      const opened = openBoxTable(KEY, server([]));
      expect(opened.document.objects).toEqual([]);
      expect(nextStep(opened.document, opened.known)).toBeUndefined();
    });

    test("what somebody else changed is shown", () => {
      leave(drawn);
      const opened = openBoxTable(KEY, server([{ ...there, version: 2, label: "bus" }]));
      expect(opened.document.objects).toEqual([{ key, label: "bus", box: there.box }]);
      expect(nextStep(opened.document, opened.known)).toBeUndefined();
    });

    test("what was changed here and deleted elsewhere is asked about, not brought back", () => {
      leave(changeObject(drawn, key, { box: [2, 2, 12, 12] }));
      const opened = openBoxTable(KEY, server([]));
      // From the version before the deletion, so that the server answers with a conflict.
      expect(nextStep(opened.document, opened.known)).toMatchObject({ kind: "change", id: 3, version: 1 });
    });

    test("what was removed here and elsewhere is gone without a question", () => {
      leave(removeObject(drawn, key));
      const opened = openBoxTable(KEY, server([]));
      expect(nextStep(opened.document, opened.known)).toBeUndefined();
    });
  });

  test("an undone removal that was not saved yet is not forgotten", () => {
    const { document, known } = openBoxTable(KEY, server([{ id: 3, box: BOX }]));
    const gone = { ...known, objects: { "3": { ...known.objects["3"]!, version: 2, deleted: true } } };
    plan.keep({ document, known: gone }, true);
    const opened = openBoxTable(KEY, server([]));
    expect(nextStep(opened.document, opened.known)).toEqual({ kind: "restore", key: "3", id: 3 });
  });

  test("an imported box with many digits is not saved because it was looked at", () => {
    const opened = openBoxTable(KEY, server([{ id: 3, box: [1.2345678, 1, 9.1, 9.98765] }]));
    expect(nextStep(opened.document, opened.known)).toBeUndefined();
  });

  test("a box whose answer was lost and that somebody else changed since is not told over it", () => {
    const key = newKey();
    const { document, known } = openBoxTable(KEY, server([]));
    plan.keep({ document: addObject(document, { key, label: "car", box: BOX }), known }, true);
    const opened = openBoxTable(KEY, server([{ id: 3, box: BOX, key, version: 2, label: "bus" }]));
    // Asked for again by its key, it is answered as it is now, and the page asks.
    expect(nextStep(opened.document, opened.known)).toMatchObject({ kind: "create", key });
  });

  test("a visit that cannot be read counts as none", () => {
    sessionStorage.setItem(`amodal/visit/${KEY}`, '{"format": 1, "pool": [], "documents": [[["", 4]]]}');
    expect(openBoxTable(KEY, server([{ id: 3, box: BOX }])).history).toBeUndefined();
  });
});

test("the page's own names of objects are as the server wants them", () => {
  expect(newKey()).toMatch(/^[A-Za-z0-9-]{8,64}$/);
  expect(newKey()).not.toBe(newKey());
});

test("edges of objects that somebody else drew meanwhile are not taken away", () => {
  const { document, known } = openBoxTable(KEY, server([{ id: 3, box: BOX }, { id: 4, box: BOX }])); // prettier-ignore
  const theirs = { ...known, order: { version: 5, edges: [["8", "9"]] as [string, string][] } };
  const mine = { ...document, edges: [["3", "4"]] as [string, string][] };
  expect(nextStep(document, theirs)).toBeUndefined();
  expect(nextStep(mine, theirs)).toEqual({ kind: "order", version: 5, edges: [[3, 4], [8, 9]] }); // prettier-ignore
});

describe("what the server refuses of one photo", () => {
  const own = { key: "3", label: "car", box: BOX };
  const none = {
    document: { objects: [own], edges: [] },
    known: {
      objects: { "3": { id: 3, version: 1, label: "car", box: BOX, deleted: false } },
      order: { version: 0, edges: [] },
    },
  };
  const drawn = addObject(none.document, { key: "new-a", label: "car", box: BOX });
  const refused = (step: { kind: string }): boolean => step.kind === "create";

  test("is no part of the order that is told", () => {
    const document = { ...drawn, edges: [["new-a", "3"]] as [string, string][] };
    expect(nextStep(document, none.known, refused)).toBeUndefined();
  });

  test("can be left: a new object goes, a changed one is as the server has it, a removed one is back", () => {
    const without = (document: BoxDocument) =>
      withoutStep(document, none.known, nextStep(document, none.known)!);
    expect(without(drawn)).toEqual(none.document);
    expect(without(changeObject(none.document, "3", { label: "bus" }))).toEqual(none.document);
    expect(without(removeObject(none.document, "3"))).toEqual(none.document);
  });

  test("does not stand before other masks, and can be left", () => {
    const [first, second] = [blank(FRAME), withPolygons(blank(FRAME), FRAME, [[5, 5, 25, 5, 25, 25]])];
    const document: MaskDocument = { 3: first, 4: second };
    expect(nextMaskStep(document, {}, FRAME, (step) => step.id === 3)?.id).toBe(4);
    const left = asKnown(document, { 3: { version: 2, drawing: second } }, 3); // prettier-ignore
    expect(left).toEqual({ 3: second, 4: second });
  });
});

test.each([undefined, null, {}])(
  "a conflict that tells of no mask (%o) says that nothing is drawn there",
  (empty) => {
    expect(knownOf(empty)).toEqual({ version: 0, drawing: undefined });
  },
);

describe("masks after a reload", () => {
  const SQUARE = [5, 5, 25, 5, 25, 25, 5, 25];
  const drawing = withPolygons(blank(FRAME), FRAME, [SQUARE]);
  const mask = (version: number, seconds = 2) => ({
    version,
    seconds,
    polygons: [SQUARE.map((one) => one + 1e-9)], // as it comes back over the wire
    amodal: encode(drawing.amodal),
    inmodal: encode(drawing.amodal),
    inmodal_corrected: false,
    source: "drawn",
    state: "draft",
  });
  const clock = new Clock(() => 0);
  const plan = maskPlan(OWNER, PHOTO, clock, () => []);

  test("undo and redo go on, and nothing has to be saved again", () => {
    const before: MaskDocument = {};
    const history = perform(begin(before), "closed an outline", { 3: drawing });
    plan.remember!({ history, known: { 3: { version: 1, drawing } } });
    const opened = openMaskTable(MASKS, server([{ id: 3, box: BOX, mask: mask(1) }]));
    expect(plan.next(opened.document, opened.known)).toBeUndefined();
    expect(opened.history!.done.map((one) => one.label)).toEqual(["closed an outline"]);
    expect(undo(opened.history!).present).toEqual({});
    expect(area(redo(undo(opened.history!)).present[3]!.amodal)).toBe(400);
  });

  test("what another window saved meanwhile is taken, and undo begins anew", () => {
    plan.remember!({ history: perform(begin({}), "cleared", { 3: blank(FRAME) }), known: { 3: { version: 1, drawing: undefined } } }); // prettier-ignore
    const opened = openMaskTable(MASKS, server([{ id: 3, box: BOX, mask: mask(2) }]));
    expect(opened.history).toBeUndefined();
    expect(area(opened.document[3]!.amodal)).toBe(400);
  });

  describe("of what is settled", () => {
    const other = withPolygons(blank(FRAME), FRAME, [[10, 10, 40, 10, 40, 30, 10, 30]]);
    const settledAs = (one: typeof drawing) => ({ state: "settled", amodal: encode(one.amodal), inmodal: encode(one.amodal), inmodal_corrected: false }); // prettier-ignore
    const done = (version: number) => ({ ...mask(version), state: "done" });

    test("the decision lies on the table, and nothing of it is to be saved", () => {
      const opened = openMaskTable(MASKS, server([{ id: 3, box: BOX, consensus: settledAs(other) }]));
      expect(area(opened.document[3]!.amodal)).toBe(600);
      expect(plan.next(opened.document, opened.known)).toBeUndefined();
    });

    test("one's own drawing keeps its corners where it was decided so, and gives way where not", () => {
      const open = (one: typeof drawing) =>
        openMaskTable(MASKS, server([{ id: 3, box: BOX, mask: done(2), consensus: settledAs(one) }]));
      expect(open(drawing).document[3]!.polygons).toHaveLength(1);
      expect(area(open(other).document[3]!.amodal)).toBe(600);
    });

    test("opened again it is saved as the next version of one's own", () => {
      const photo = server([{ id: 3, box: BOX, mask: done(2), consensus: settledAs(other) }]);
      const { document, known } = openMaskTable(MASKS, photo);
      const again = { ...document, 3: { ...document[3]!, state: "draft" as const } };
      expect(plan.next(again, known)).toMatchObject({ id: 3, version: 2, drawing: { state: "draft" } });
    });

    test("a decision that was taken back elsewhere is nobody's drawing", () => {
      const { document, known } = openMaskTable(MASKS, server([{ id: 3, box: BOX, consensus: settledAs(other) }])); // prettier-ignore
      plan.remember!({ history: begin(document), known });
      const opened = openMaskTable(MASKS, server([{ id: 3, box: BOX }]));
      expect(opened.document[3]).toBeUndefined();
      expect(plan.next(opened.document, opened.known)).toBeUndefined();
    });

    test("a decision that was taken back elsewhere gives one's own drawing back", () => {
      const before = server([{ id: 3, box: BOX, mask: done(2), consensus: settledAs(other) }]);
      const { document, known } = openMaskTable(MASKS, before);
      plan.remember!({ history: begin(document), known });
      const opened = openMaskTable(MASKS, server([{ id: 3, box: BOX, mask: done(2) }]));
      expect(area(opened.document[3]!.amodal)).toBe(400);
    });
  });

  test("seconds that were measured go on, and in a new round begin at nothing", () => {
    const used = new Clock(() => 0);
    used.startFrom(3, 17);
    const left = maskPlan(OWNER, PHOTO, used, () => []);
    left.remember!({ history: begin({ 3: drawing }), known: { 3: { version: 1, drawing } } });
    expect(openMaskTable(MASKS, server([{ id: 3, box: BOX, mask: mask(1) }])).seconds.get(3)).toBe(17);
    expect(openMaskTable(MASKS, server([{ id: 3, box: BOX, mask: mask(0, 99) }])).seconds.get(3)).toBe(0);
  });

  test("an outline of each object that is not closed is there again, but none of what is gone or settled", () => {
    const open = [4, 3, 9, 5].map((id) => ({ id, points: [id, 1, 8, 1] }));
    maskPlan(OWNER, PHOTO, clock, () => open).keep({ document: {}, known: {} }, false);
    const settled = { id: 5, box: BOX, consensus: { state: "settled" } };
    const photo = server([{ id: 3, box: BOX }, { id: 4, box: BOX }, settled]);
    expect(openMaskTable(MASKS, photo).open).toEqual(open.slice(0, 2));
  });

  test("an outline that an earlier version of the page has kept is there again", () => {
    const open = { id: 3, points: [1, 1, 8, 1] };
    keepDraft(localStorage, MASKS, { drawings: {}, known: {}, seconds: {}, open });
    expect(openMaskTable(MASKS, server([{ id: 3, box: BOX }])).open).toEqual([open]);
  });

  test("seconds lie in the draft too", () => {
    const used = new Clock(() => 0);
    used.startFrom(3, 21.5);
    maskPlan(OWNER, PHOTO, used, () => []).keep({ document: { 3: drawing }, known: {} }, true);
    expect(openMaskTable(MASKS, server([{ id: 3, box: BOX }])).seconds.get(3)).toBe(21.5);
  });
});

test("an order that goes round is no step, and is said not to be saved", () => {
  const box = [0, 0, 10, 10] as const;
  const objects = ["a", "b", "c"].map((key, place) => ({ key, label: "car", box, id: place + 1 }));
  const known = {
    objects: Object.fromEntries(objects.map((one) => [one.key, { ...one, version: 1, deleted: false }])),
    order: { version: 0, edges: [] },
  };
  const chain = [["a", "b"], ["b", "c"]] as const; // prettier-ignore
  const round = { objects, edges: [...chain, ["c", "a"] as const] };
  expect(nextStep(round, known)).toBeUndefined();
  expect(heldOrder(round, known)).toMatch(/^the order/);
  expect(heldOrder({ objects, edges: chain }, known)).toBeUndefined();
});
