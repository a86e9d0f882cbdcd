/** Where the photo lies on the screen: screen = photo * scale + offset. */

import type { Frame, Point } from "./geometry";

export interface Viewport {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const LEAST = 0.02;
const MOST = 64;
/** Amodal boxes may leave the photo, so some room is left around it. */
const MARGIN = 0.06;

export function fit(photo: Frame, screen: Frame): Viewport {
  const scale = Math.min(screen.width / photo.width, screen.height / photo.height) * (1 - 2 * MARGIN);
  const safe = Math.min(MOST, Math.max(LEAST, scale));
  return {
    scale: safe,
    x: (screen.width - photo.width * safe) / 2,
    y: (screen.height - photo.height * safe) / 2,
  };
}

/** The window changed its size: what was in the middle stays there. */
export function keepMiddle(view: Viewport, before: Frame, now: Frame): Viewport {
  return pan(view, (now.width - before.width) / 2, (now.height - before.height) / 2);
}

/** The point under the cursor stays under it. */
export function zoom(view: Viewport, at: Point, factor: number): Viewport {
  const scale = Math.min(MOST, Math.max(LEAST, view.scale * factor));
  const part = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * part, y: at.y - (at.y - view.y) * part };
}

export function pan(view: Viewport, dx: number, dy: number): Viewport {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

export function toPhoto(view: Viewport, screen: Point): Point {
  return { x: (screen.x - view.x) / view.scale, y: (screen.y - view.y) / view.scale };
}

export function toScreen(view: Viewport, photo: Point): Point {
  return { x: photo.x * view.scale + view.x, y: photo.y * view.scale + view.y };
}
