/** Where the annotators of an object agree: how many of them have each pixel. */

import type { JSX } from "react";
import { useCallback, useMemo } from "react";

import { countsOf, sharesOf } from "../model/agreement";
import type { Box } from "../model/geometry";
import type { Mask } from "../model/mask";
import type { Viewport } from "../model/viewport";
import type { SmallPhoto } from "./PhotoPart";
import { PhotoPart } from "./PhotoPart";

// From bright for one to dark for all: told apart by lightness alone.
const [FEW, ALL] = [
  [255, 232, 60],
  [0, 52, 110],
] as const;

interface AgreementMapProps {
  readonly photo: SmallPhoto;
  readonly masks: readonly Mask[];
  readonly part: Box;
}

export function AgreementMap({ photo, masks, part }: AgreementMapProps): JSX.Element {
  const counts = useMemo(() => countsOf(masks), [masks]);
  const shares = useMemo(() => sharesOf(counts, masks.length), [counts, masks]);
  const draw = useCallback(
    (context: CanvasRenderingContext2D, view: Viewport): void => {
      if (counts.w === 0) return;
      const tile = document.createElement("canvas");
      [tile.width, tile.height] = [counts.w, counts.h];
      const ink = tile.getContext("2d")!;
      const image = ink.createImageData(counts.w, counts.h);
      counts.counts.forEach((count, place) => {
        if (count) image.data.set([...rgbOf(count, masks.length), 200], 4 * place);
      });
      ink.putImageData(image, 0, 0);
      context.imageSmoothingEnabled = false;
      const [x, y] = [counts.x * view.scale + view.x, counts.y * view.scale + view.y];
      context.drawImage(tile, x, y, counts.w * view.scale, counts.h * view.scale);
    },
    [counts, masks],
  );
  return (
    <>
      <PhotoPart photo={photo} part={part} name="How many annotators have each pixel" paint={draw} />
      <ul className="legend">
        {shares.map((share, place) => (
          <li key={place}>
            <svg className="swatch" viewBox="0 0 1 1" aria-hidden="true">
              <rect width="1" height="1" fill={`rgb(${rgbOf(place + 1, masks.length).join(" ")})`} />
            </svg>
            {place + 1} of {masks.length}: {(100 * share).toFixed(0)} %
          </li>
        ))}
      </ul>
    </>
  );
}

function rgbOf(count: number, of: number): number[] {
  const share = of > 1 ? (count - 1) / (of - 1) : 1;
  return FEW.map((few, place) => Math.round(few + share * (ALL[place]! - few)));
}
