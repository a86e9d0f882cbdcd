import { expect, test } from "vitest";

import { countsOf, sharesOf } from "./agreement";
import { emptyMask, maskFromBox } from "./mask";

const FRAME = { width: 20, height: 10 };

test("each pixel counts the masks that have it", () => {
  const { x, y, w, h, counts } = countsOf([
    maskFromBox(FRAME, [2, 3, 6, 5]),
    maskFromBox(FRAME, [4, 4, 8, 6]),
    emptyMask(FRAME),
  ]);
  expect([x, y, w, h]).toEqual([2, 3, 6, 3]);
  expect([...counts]).toEqual([1, 1, 1, 1, 0, 0, 1, 1, 2, 2, 1, 1, 0, 0, 1, 1, 1, 1]);
});

test("shares are of the pixels that anybody has", () => {
  const masks = [maskFromBox(FRAME, [0, 0, 10, 10]), maskFromBox(FRAME, [0, 0, 5, 10])];
  expect(sharesOf(countsOf(masks), 2)).toEqual([0.5, 0.5]);
});

test("of masks without a pixel there is nothing to share", () => {
  expect(sharesOf(countsOf([emptyMask(FRAME), emptyMask(FRAME)]), 2)).toEqual([0, 0]);
});
