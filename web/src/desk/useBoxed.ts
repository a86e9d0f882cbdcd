/** Whether the expert has called boxes and order of a photo done. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, said, wordsOf } from "../api/client";
import type { PhotoItem } from "../api/types";

export interface Boxed {
  readonly done: boolean;
  /** Saves what is drawn, then marks the photo done, or not done where it was; says whether it is done now. */
  readonly turn: () => Promise<boolean>;
  /** Why it was not marked. */
  readonly problem?: string | undefined;
}

export function useBoxed(photo: PhotoItem, saveNow: () => Promise<void>): Boxed {
  const client = useQueryClient();
  const mark = useMutation({
    mutationFn: (boxed: boolean) =>
      said(api.PATCH("/api/photos/{id}", { params: { path: { id: photo.id } }, body: { boxed } })),
  });
  const done = mark.data?.boxed ?? photo.boxed ?? false;
  const turn = async (): Promise<boolean> => {
    await saveNow();
    try {
      const { boxed } = await mark.mutateAsync(!done);
      await client.invalidateQueries({ queryKey: ["tasks"] });
      await client.invalidateQueries({ queryKey: ["photos"] });
      return boxed ?? false;
    } catch {
      return false; // `problem` says why
    }
  };
  return { done, turn, problem: mark.error ? wordsOf(mark.error) : undefined };
}
