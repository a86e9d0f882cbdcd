/** One mask on its part of the photo, small. */

import type { JSX } from "react";
import { useEffect, useRef } from "react";

import { pictureOf } from "../api/questions";
import { paint } from "../canvas/paint";
import type { Mask } from "../model/mask";
import { PALETTE } from "../model/palette";

const SIDE = 280;

interface MaskPictureProps {
  readonly photo: { readonly id: number; readonly width: number; readonly height: number };
  readonly mask: Mask;
}

export function MaskPicture({ photo, mask }: MaskPictureProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const image = new Image();
    image.onload = () => {
      const room = Math.max(mask.w, mask.h, 8) * 0.15;
      const scale = SIDE / (Math.max(mask.w, mask.h, 8) + 2 * room);
      const view = { scale, x: (room - mask.x) * scale, y: (room - mask.y) * scale };
      context.clearRect(0, 0, SIDE, SIDE);
      context.drawImage(image, view.x, view.y, photo.width * scale, photo.height * scale);
      const shown = { key: 0, colour: PALETTE[0]!, text: "", amodal: mask, visible: mask };
      const look = { opacity: 0.6, masks: true, hidden: true, boxes: false, isolate: false };
      paint(context, [shown], undefined, look, view, photo, { width: SIDE, height: SIDE });
    };
    image.src = pictureOf(photo.id);
  }, [photo, mask]);
  return <canvas ref={canvas} width={SIDE} height={SIDE} role="img" aria-label="A mask on the photo" />;
}
