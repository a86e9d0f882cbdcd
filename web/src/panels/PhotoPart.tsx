/** One part of a photo, small, with something painted on it. */

import type { JSX } from "react";
import { useEffect, useRef } from "react";

import { pictureOf } from "../api/questions";
import type { Box } from "../model/geometry";
import type { Viewport } from "../model/viewport";

const SIDE = 280;
const MARGIN = 0.15; // of the longer side, on each

export interface SmallPhoto {
  readonly id: number;
  readonly width: number;
  readonly height: number;
}

interface PhotoPartProps {
  readonly photo: SmallPhoto;
  /** What is to be seen of the photo, with a margin around it. */
  readonly part: Box;
  readonly name: string;
  readonly paint: (context: CanvasRenderingContext2D, view: Viewport, side: number) => void;
}

export function PhotoPart({ photo, part, name, paint }: PhotoPartProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [x0, y0, x1, y1] = part;
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const image = new Image();
    image.onload = () => {
      const length = Math.max(x1 - x0, y1 - y0, 8) * (1 + 2 * MARGIN);
      const scale = SIDE / length;
      const view = {
        scale,
        x: (length / 2 - (x0 + x1) / 2) * scale,
        y: (length / 2 - (y0 + y1) / 2) * scale,
      };
      context.clearRect(0, 0, SIDE, SIDE);
      context.drawImage(image, view.x, view.y, photo.width * scale, photo.height * scale);
      paint(context, view, SIDE);
    };
    image.src = pictureOf(photo.id);
    return () => {
      image.onload = null;
    };
  }, [photo, x0, y0, x1, y1, paint]);
  return <canvas ref={canvas} width={SIDE} height={SIDE} role="img" aria-label={name} />;
}
