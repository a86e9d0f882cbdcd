/** The photo in several sizes: a large one drawn small would cost all its pixels in every frame. */

import { useEffect, useState } from "react";

import { refusalOf, wordsOf } from "../api/client";
import type { Frame } from "../model/geometry";
import type { Viewport } from "../model/viewport";

/** The photo itself, then each half as wide as the one before. */
export type Picture = readonly (HTMLImageElement | ImageBitmap)[];

const LARGE_PX = 4_000_000;
const LEAST_SIDE_PX = 512;

/** In words why there is none where the server said no, or what it sent is no picture; objects can be worked on still. */
export function usePicture(url: string | undefined): Picture | string | undefined {
  const [picture, setPicture] = useState<Picture | string>();
  useEffect(() => {
    setPicture(undefined);
    if (!url) return;
    let wanted = true;
    void load(url, (found) => wanted && setPicture(found));
    return () => {
      wanted = false;
    };
  }, [url]);
  return picture;
}

async function load(url: string, tell: (picture: Picture | string) => void): Promise<void> {
  const image = new Image();
  image.src = url;
  try {
    await image.decode(); // beside the page, which stays usable meanwhile
  } catch {
    return tell(await whyNone(url));
  }
  tell([image]);
  if (image.naturalWidth * image.naturalHeight <= LARGE_PX) return;
  const levels: Picture[number][] = [image];
  let [width, height] = [image.naturalWidth, image.naturalHeight];
  while (Math.min(width, height) > LEAST_SIDE_PX) {
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const how = { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" } as const;
    levels.push(await createImageBitmap(levels.at(-1)!, how));
  }
  tell(levels);
}

/** An image's own error says nothing. */
async function whyNone(url: string): Promise<string> {
  try {
    const answer = await fetch(url);
    if (answer.ok) return "This browser cannot show what the server sent as the photo.";
    return wordsOf(refusalOf(answer.status, await answer.json().catch(() => undefined)));
  } catch (error) {
    return wordsOf(error);
  }
}

/** The smallest level that still has a pixel for each of the screen's. */
function levelAt(levels: number, scale: number): number {
  return Math.min(levels - 1, Math.max(0, Math.floor(Math.log2(1 / scale) + 1e-9)));
}

/** Only the part that is in view. */
export function paintPicture(
  context: CanvasRenderingContext2D,
  picture: Picture,
  view: Viewport,
  frame: Frame,
  screen: Frame,
): void {
  const level = picture[levelAt(picture.length, view.scale * window.devicePixelRatio)]!;
  const [x0, y0] = [
    Math.max(0, Math.floor(-view.x / view.scale)),
    Math.max(0, Math.floor(-view.y / view.scale)),
  ];
  const x1 = Math.min(frame.width, Math.ceil((screen.width - view.x) / view.scale));
  const y1 = Math.min(frame.height, Math.ceil((screen.height - view.y) / view.scale));
  if (x1 <= x0 || y1 <= y0) return;
  const [across, down] = [level.width / frame.width, level.height / frame.height];
  context.imageSmoothingEnabled = view.scale < 2;
  context.drawImage(
    level,
    x0 * across,
    y0 * down,
    (x1 - x0) * across,
    (y1 - y0) * down,
    x0 * view.scale + view.x,
    y0 * view.scale + view.y,
    (x1 - x0) * view.scale,
    (y1 - y0) * view.scale,
  );
}
