import { expect, test } from "vitest";

import { PALETTE } from "./palette";

/** Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB. */
const VISION = {
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
const TO_XYZ = [
  0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339, 0.119192, 0.9503041,
];
const WHITE = [0.95047, 1, 1.08883];
/** In CIE Lab; about 2 can just be told apart side by side. */
const LEAST_DISTANCE = 10;

type Three = readonly number[];

function times(matrix: Three, [a, b, c]: Three): Three {
  return [0, 3, 6].map((row) => matrix[row]! * a! + matrix[row + 1]! * b! + matrix[row + 2]! * c!);
}

function linear(rgb: Three): Three {
  return rgb.map((byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
}

function lab(colour: Three): Three {
  const [x, y, z] = times(
    TO_XYZ,
    colour.map((part) => Math.min(1, Math.max(0, part))),
  ).map((part, at) => {
    const t = part / WHITE[at]!;
    return t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116;
  });
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}

test.each(Object.entries(VISION))("colours can be told apart with %s", (_, matrix) => {
  const seen = PALETTE.map((colour) => lab(times(matrix, linear(colour.rgb))));
  for (const [at, one] of seen.entries()) {
    for (const other of seen.slice(0, at)) {
      expect(Math.hypot(...one.map((part, axis) => part - other[axis]!))).toBeGreaterThan(LEAST_DISTANCE);
    }
  }
});
