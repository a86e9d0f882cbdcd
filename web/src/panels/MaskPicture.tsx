/** One mask on a part of the photo, small. Masks that are compared are shown on the same part. */

import type { JSX } from "react";
import { useCallback } from "react";

import { paint } from "../canvas/paint";
import type { Box } from "../model/geometry";
import type { Mask } from "../model/mask";
import { PALETTE } from "../model/palette";
import type { Viewport } from "../model/viewport";
import type { SmallPhoto } from "./PhotoPart";
import { PhotoPart } from "./PhotoPart";

const LOOK = { opacity: 0.6, masks: true, hidden: true, boxes: false, isolate: false };

interface MaskPictureProps {
  readonly photo: SmallPhoto;
  readonly mask: Mask;
  /** The object's box. */
  readonly part: Box;
}

export function MaskPicture({ photo, mask, part }: MaskPictureProps): JSX.Element {
  const draw = useCallback(
    (context: CanvasRenderingContext2D, view: Viewport, side: number): void => {
      const shown = { key: 0, colour: PALETTE[0]!, text: "", amodal: mask, visible: mask };
      paint(context, [shown], undefined, LOOK, view, photo, { width: side, height: side });
    },
    [mask, photo],
  );
  return <PhotoPart photo={photo} part={part} name="A mask on the photo" paint={draw} />;
}
