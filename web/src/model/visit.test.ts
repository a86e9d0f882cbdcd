import { expect, test } from "vitest";

import type { History } from "./history";
import { begin, perform } from "./history";
import type { Codec, Shelf } from "./visit";
import { keepVisit, readVisit } from "./visit";

interface Word {
  readonly text: string;
}
const CODEC: Codec<readonly Word[], number, Word> = {
  pieces: (document) => document.map((word) => ["", word]),
  whole: (pieces) => pieces.map(([, word]) => word),
  pack: (word) => word.text,
  unpack: (packed) => ({ text: String(packed) }),
  packKnown: (known) => known,
  unpackKnown: (packed) => Number(packed),
};

function shelf(room = Infinity, kept = new Map<string, string>()): Shelf & { kept: Map<string, string> } {
  return {
    kept,
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => {
      const rest = [...kept].filter(([name]) => name !== key).reduce((sum, [, text]) => sum + text.length, 0);
      if (rest + value.length > room) throw new Error("full");
      kept.set(key, value);
    },
    removeItem: (key) => void kept.delete(key),
  };
}

function written(count: number): History<readonly Word[]> {
  let history = begin<readonly Word[]>([]);
  for (let index = 0; index < count; index++) {
    const more = [...history.present, { text: `word ${index}` }];
    history = perform(history, `wrote ${index}`, more);
  }
  return history;
}

test("a piece that many documents share is written once", () => {
  const place = shelf();
  keepVisit(place, "a", { history: written(50), known: 1 }, CODEC);
  expect([...place.kept.values()][0]!.match(/"word 0"/g)!.length).toBe(1);
  expect(readVisit(place, "a", CODEC)).toEqual({ history: written(50), known: 1 });
});

test("the oldest steps are forgotten where there is no room for all, never the newest", () => {
  const place = shelf();
  keepVisit(place, "a", { history: written(64), known: 1 }, CODEC, 8000);
  const { history } = readVisit(place, "a", CODEC)!;
  expect([...place.kept.values()][0]!.length).toBeLessThanOrEqual(8000);
  expect(history.done.length).toBeGreaterThan(0);
  expect(history.done.length).toBeLessThan(64);
  expect(history.done.at(-1)!.label).toBe("wrote 63");
  expect(history.present.length).toBe(64);
});

test("other photos make room, drafts do not", () => {
  const place = shelf(2500);
  place.setItem("a draft", "x".repeat(1000));
  keepVisit(place, "a", { history: written(12), known: 1 }, CODEC);
  keepVisit(place, "b", { history: written(14), known: 1 }, CODEC);
  expect(readVisit(place, "b", CODEC)).toBeDefined();
  expect(readVisit(place, "a", CODEC)).toBeUndefined();
  expect(place.getItem("a draft")).not.toBeNull();
});
