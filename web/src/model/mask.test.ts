import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { stroke } from "./brush";
import filled from "./filled.json";
import { fillPolygon, fillPolygons } from "./fill";
import type { Mask } from "./mask";
import {
  area,
  emptyMask,
  has,
  intersect,
  iou,
  maskFromBits,
  maskFromBox,
  sameMask,
  subtract,
  unite,
} from "./mask";
import { outlines } from "./outline";
import { decode, encode } from "./rle";
import { strayOf } from "./stray";

const frame = { width: 13, height: 9 };

/** Any mask of the frame. */
const masks = fc
  .uint8Array({ minLength: 117, maxLength: 117, max: 1 })
  .map((bits) => maskFromBits(frame, 0, 0, 13, 9, bits));

function dense(mask: Mask): number[] {
  return Array.from({ length: mask.width * mask.height }, (_, place) =>
    has(mask, place % mask.width, Math.floor(place / mask.width)) ? 1 : 0,
  );
}

describe("set algebra", () => {
  test("is that of single pixels", () => {
    fc.assert(
      fc.property(masks, masks, (a, b) => {
        const [da, db] = [dense(a), dense(b)];
        expect(dense(unite(a, b))).toEqual(da.map((bit, i) => bit | db[i]!));
        expect(dense(intersect(a, b))).toEqual(da.map((bit, i) => bit & db[i]!));
        expect(dense(subtract(a, b))).toEqual(da.map((bit, i) => bit & (1 - db[i]!)));
        const common = da.filter((bit, i) => bit & db[i]!).length;
        const either = da.filter((bit, i) => bit | db[i]!).length;
        expect(iou(a, b)).toBeCloseTo(either ? common / either : 1, 12);
      }),
    );
  });

  test("a mask keeps only what lies in the frame, tightly", () => {
    const mask = maskFromBits(frame, -1, 7, 3, 3, new Uint8Array(9).fill(1));
    expect([mask.x, mask.y, mask.w, mask.h, area(mask)]).toEqual([0, 7, 2, 2, 4]);
  });
});

describe("run lengths", () => {
  test("read what they wrote", () => {
    fc.assert(
      fc.property(masks, (mask) => {
        expect(sameMask(decode(encode(mask)), mask)).toBe(true);
      }),
    );
  });

  test("are the server's, character by character", () => {
    for (const { rle } of filled) expect(encode(decode(rle))).toEqual(rle);
  });

  test("of an empty and of a full frame", () => {
    expect(encode(emptyMask({ width: 2, height: 3 })).counts).toBe("6");
    expect(encode(maskFromBits({ width: 2, height: 3 }, 0, 0, 2, 3, new Uint8Array(6).fill(1))).counts).toBe(
      "06",
    );
  });

  test("that do not fill the frame are refused", () => {
    expect(() => decode({ size: [3, 2], counts: [1, 2] })).toThrow("3 of 6");
  });
});

describe("filling a polygon", () => {
  test("gives the server's mask", () => {
    for (const { polygon, rle } of filled) {
      const [height, width] = rle.size as [number, number];
      expect(encode(fillPolygon({ width, height }, polygon))).toEqual(rle);
    }
  });
});

describe("outlines", () => {
  test("fill to the mask that they were traced from, holes and corners included", () => {
    fc.assert(
      fc.property(masks, (mask) => {
        expect(sameMask(fillPolygons(frame, outlines(mask)), mask)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("of a square have its four corners", () => {
    const mask = maskFromBits(frame, 2, 3, 4, 2, new Uint8Array(8).fill(1));
    expect(outlines(mask)).toEqual([[2, 3, 6, 3, 6, 5, 2, 5]]);
  });

  test("thinned by less than a pixel stay near the mask of a disc, with far fewer corners", () => {
    const large = { width: 100, height: 100 };
    const disc = stroke(large, { x: 50, y: 50 }, { x: 50, y: 50 }, 30);
    const [exact, thin] = [outlines(disc)[0]!, outlines(disc, 0.75)[0]!];
    expect(thin.length).toBeLessThan(exact.length / 2);
    expect(iou(fillPolygon(large, thin), disc)).toBeGreaterThan(0.97);
  });
});

describe("the brush", () => {
  test("covers the pixels whose centre is within its radius of the line", () => {
    const [from, to, radius] = [{ x: 3.2, y: 2.1 }, { x: 9.9, y: 7.4 }, 2];
    const painted = stroke(frame, from, to, radius);
    for (let y = 0; y < 9; y++) {
      for (let x = 0; x < 13; x++) {
        // Brute force: the nearest of many points of the line.
        const nearest = Math.min(
          ...Array.from({ length: 2001 }, (_, i) => {
            const part = i / 2000;
            return Math.hypot(
              from.x + part * (to.x - from.x) - x - 0.5,
              from.y + part * (to.y - from.y) - y - 0.5,
            );
          }),
        );
        if (Math.abs(nearest - radius) > 1e-3) expect(has(painted, x, y)).toBe(nearest < radius);
      }
    }
  });
});

describe("a mask and its object's box", () => {
  const mask = (x0: number, y0: number, x1: number, y1: number): Mask =>
    maskFromBox({ width: 200, height: 100 }, [x0, y0, x1, y1]);

  test.each([
    ["in the box", mask(20, 20, 60, 60), false],
    ["a fifth beyond one side", mask(20, 20, 68, 60), false],
    ["three tenths beyond one side", mask(20, 20, 72, 60), true],
    ["elsewhere", mask(120, 20, 160, 60), true],
  ])("%s", (_, one, asked) => {
    expect(strayOf(one, [20, 20, 60, 60]) !== undefined).toBe(asked);
  });

  test("may leave the photo together", () => {
    expect(strayOf(mask(0, 20, 30, 60), [-40, 20, 30, 60])).toBeUndefined();
  });
});
