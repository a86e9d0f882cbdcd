/** Colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008), without black. */

export interface Colour {
  readonly name: string;
  readonly rgb: readonly [number, number, number];
}

export const PALETTE: readonly Colour[] = [
  { name: "orange", rgb: [230, 159, 0] },
  { name: "sky blue", rgb: [86, 180, 233] },
  { name: "green", rgb: [0, 158, 115] },
  { name: "yellow", rgb: [240, 228, 66] },
  { name: "blue", rgb: [0, 114, 178] },
  { name: "vermilion", rgb: [213, 94, 0] },
  { name: "purple", rgb: [204, 121, 167] },
];

export function colourOf(index: number): Colour {
  return PALETTE[index % PALETTE.length]!;
}

export function css(colour: Colour, alpha = 1): string {
  return `rgb(${colour.rgb.join(" ")} / ${alpha})`;
}
