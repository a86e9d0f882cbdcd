import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { SaveState } from "./autosave";
import { Autosave, Refusal } from "./autosave";
import { Clock } from "./clock";
import { draftKey, dropDraft, keepDraft, readDraft } from "./drafts";
import { actionOf, actionsFor } from "./keys";
import { fit, toPhoto, toScreen, zoom } from "./viewport";

describe("autosave", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function desk(answer: (step: number) => unknown = () => undefined) {
    const [open, sent, states] = [[] as number[], [] as number[], [] as SaveState[]];
    const autosave = new Autosave<number>({
      next: (skip) => open.find((step) => !skip(step)),
      send: async (step) => {
        const error = answer(step);
        if (error) throw error as Error;
        sent.push(step);
        open.splice(open.indexOf(step), 1);
      },
      tell: (state) => states.push(state),
    });
    return { open, sent, states, autosave, last: () => states.at(-1) };
  }

  test("waits until the hand rests, then sends everything in turn", async () => {
    const { open, sent, autosave, last } = desk();
    open.push(1, 2);
    autosave.changed();
    expect(last()).toEqual({ kind: "waiting" });
    await vi.advanceTimersByTimeAsync(300);
    autosave.changed();
    await vi.advanceTimersByTimeAsync(300);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toEqual([1, 2]);
    expect(last()).toEqual({ kind: "saved" });
  });

  test("keeps what cannot be sent and tries again, more and more rarely", async () => {
    let failures = 3;
    const { open, sent, autosave, last } = desk(() => failures-- > 0 && new TypeError("network"));
    open.push(1);
    autosave.changed();
    await vi.advanceTimersByTimeAsync(500);
    expect(last()).toEqual({ kind: "offline", attempts: 1 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(last()).toEqual({ kind: "offline", attempts: 2 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([1]);
    expect(last()).toEqual({ kind: "saved" });
  });

  test("never says saved of what the server would not take as it is", async () => {
    let held: string | undefined = "the order";
    const states: SaveState[] = [];
    const autosave = new Autosave<number>({
      next: () => undefined,
      send: () => Promise.resolve(),
      tell: (state) => states.push(state),
      held: () => held,
    });
    autosave.changed();
    expect(states).toEqual([{ kind: "held", message: "the order" }]);
    held = undefined;
    expect(await autosave.now()).toEqual({ kind: "saved" });
  });

  test("stops at a conflict with both sides, until it is resolved", async () => {
    const { open, sent, autosave, last } = desk(
      (step) => step === 1 && new Refusal(409, "changed", { version: 7 }),
    );
    open.push(1);
    await autosave.now();
    expect(last()).toEqual({ kind: "conflict", step: 1, current: { version: 7 } });
    autosave.changed();
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toEqual([]);
    open[0] = 2;
    await autosave.now();
    expect(sent).toEqual([2]);
  });

  test("shows a refusal in the server's words and does not repeat it by itself", async () => {
    let asked = 0;
    const { open, autosave, last } = desk(() => {
      asked += 1;
      return new Refusal(422, "the box is empty");
    });
    open.push(1);
    await autosave.now();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(last()).toMatchObject({ kind: "refused", message: "the box is empty", status: 422 });
    expect(asked).toBe(1);
  });

  test("what is refused does not hold up the others, and is told", async () => {
    const { open, sent, autosave } = desk((step) => step === 1 && new Refusal(403, "settled meanwhile"));
    open.push(1, 2, 3);
    const aside = [{ step: 1, message: "settled meanwhile", status: 403 }];
    expect(await autosave.now()).toEqual({ kind: "refused", message: "settled meanwhile", status: 403, aside }); // prettier-ignore
    expect(sent).toEqual([2, 3]);
  });

  test("what was refused is tried again when it has changed, or when somebody asks for it", async () => {
    const asked: number[] = [];
    const { open, autosave } = desk((step) => {
      asked.push(step);
      return step < 3 && new Refusal(404, "gone");
    });
    open.push(1);
    await autosave.now();
    await autosave.now();
    expect(asked).toEqual([1]);
    await autosave.again();
    expect(asked).toEqual([1, 1]);
    open[0] = 3;
    expect(await autosave.now()).toEqual({ kind: "saved" });
  });

  test("what was refused and is given up counts as saved", async () => {
    const { open, autosave, last } = desk(() => new Refusal(404, "gone"));
    open.push(1);
    await autosave.now();
    open.pop();
    autosave.changed();
    expect(last()).toEqual({ kind: "saved" });
  });

  test("the end of a session holds up everything", async () => {
    const asked: number[] = [];
    const { open, autosave } = desk((step) => {
      asked.push(step);
      return new Refusal(401, "log in");
    });
    open.push(1, 2);
    expect(await autosave.now()).toMatchObject({ kind: "refused", status: 401, aside: [] });
    expect(asked).toEqual([1]);
  });

  test("whoever saves while a save is under way waits for all of it, and is told how it ended", async () => {
    const { open, sent, autosave } = desk((step) => step === 3 && new TypeError("network"));
    open.push(1, 2);
    const first = autosave.now();
    expect(await autosave.now()).toEqual({ kind: "saved" });
    expect(sent).toEqual([1, 2]);
    await first;
    open.push(3);
    expect(await autosave.now()).toMatchObject({ kind: "offline" });
  });

  test("what changes while a save is under way is saved too", async () => {
    const { open, sent, autosave } = desk((step) => {
      if (step === 1 && open.length === 1) open.push(2);
    });
    open.push(1);
    await autosave.now();
    expect(sent).toEqual([1, 2]);
  });
});

describe("drafts", () => {
  const place = () => {
    const kept = new Map<string, string>();
    return {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
  };

  test("come back as they were, of one owner, pass and photo", () => {
    const shelf = place();
    keepDraft(shelf, draftKey("p/1", "masks", 2), { points: [1, 2] });
    expect(readDraft(shelf, draftKey("p/1", "masks", 2))).toEqual({ points: [1, 2] });
    expect(readDraft(shelf, draftKey("p/2", "masks", 2))).toBeUndefined();
    dropDraft(shelf, draftKey("p/1", "masks", 2));
    expect(readDraft(shelf, draftKey("p/1", "masks", 2))).toBeUndefined();
  });

  test("that cannot be read count as none, and a full browser is told", () => {
    const shelf = place();
    shelf.setItem("a", "{broken");
    expect(readDraft(shelf, "a")).toBeUndefined();
    const full = {
      ...shelf,
      setItem: () => {
        throw new Error("full");
      },
    };
    expect(keepDraft(full, "a", 1)).toBe(false);
  });
});

test("the clock counts the chosen object, and not the time when nobody was there", () => {
  let now = 0;
  const clock = new Clock(() => now);
  clock.choose(1);
  now = 10_000;
  clock.sign();
  now = 20_000;
  clock.choose(2);
  now = 24_000;
  clock.sign();
  now = 500_000;
  clock.sign();
  now = 501_000;
  expect([clock.seconds(1), clock.seconds(2)]).toEqual([20, 35]);
});

describe("the view", () => {
  const view = fit({ width: 1242, height: 375 }, { width: 900, height: 600 });

  test("zooms about the cursor", () => {
    const cursor = { x: 123, y: 456 };
    const before = toPhoto(view, cursor);
    const after = toPhoto(zoom(view, cursor, 3), cursor);
    expect(after.x).toBeCloseTo(before.x, 9);
    expect(after.y).toBeCloseTo(before.y, 9);
  });

  test("shows the whole photo with room around it", () => {
    const [low, high] = [toScreen(view, { x: 0, y: 0 }), toScreen(view, { x: 1242, y: 375 })];
    expect(Math.min(low.x, low.y)).toBeGreaterThan(0);
    expect(high.x).toBeLessThan(900);
    expect(high.y).toBeLessThan(600);
  });
});

describe("keys", () => {
  test("of two actions of one place are different", () => {
    for (const page of ["boxes", "masks", "view"] as const) {
      const keys = actionsFor(page).flatMap((one) => one.keys);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test("mean what the place says", () => {
    const press = (key: string, more = {}) => ({
      key,
      ctrlKey: false,
      metaKey: false,
      shiftKey: false,
      altKey: false,
      ...more,
    });
    expect(actionOf(press("b"), "boxes")).toBe("box");
    expect(actionOf(press("b"), "masks")).toBe("brush");
    expect(actionOf(press("Z", { ctrlKey: true, shiftKey: true }), "masks")).toBe("redo");
    expect(actionOf(press("z", { metaKey: true }), "boxes")).toBe("undo");
    expect(actionOf(press("?", { shiftKey: true }), "boxes")).toBe("sheet");
    expect(actionOf(press("Tab", { shiftKey: true }), "boxes")).toBe("previous-object");
    expect(actionOf(press("j"), "boxes")).toBeUndefined();
  });
});
