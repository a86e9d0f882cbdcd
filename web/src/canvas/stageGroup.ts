/** The pictures of one photo that are on the page: what moves or zooms one moves all. */

import type { Frame } from "../model/geometry";
import type { Viewport } from "../model/viewport";

export type ViewChange = (view: Viewport, screen: Frame) => Viewport;

export interface Moving {
  readonly change: (how: ViewChange) => void;
  /** Back to the whole photo, which then follows the size of the window. */
  readonly fit: () => void;
}

export class StageGroup implements Moving {
  private readonly stages = new Set<Moving>();

  /** Gives the way out again. */
  join(stage: Moving): () => void {
    this.stages.add(stage);
    return () => void this.stages.delete(stage);
  }

  change(how: ViewChange): void {
    for (const stage of this.stages) stage.change(how);
  }

  fit(): void {
    for (const stage of this.stages) stage.fit();
  }
}
