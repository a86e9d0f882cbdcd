/** Whether the expert has called boxes and order of a photo done. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, said, wordsOf } from "../api/client";
import type { PhotoItem } from "../api/types";
import type { BoxDocument, Known } from "../model/boxes";
import type { Desk } from "./useDesk";
import { whyUnsaved } from "./useDesk";

export interface Boxed {
  readonly done: boolean;
  /** Saves what is drawn, then marks the photo done, or not done where it was; says whether it is done now. */
  readonly turn: () => Promise<boolean>;
  /** Why it was not marked. */
  readonly problem?: string | undefined;
}

export function useBoxed(photo: PhotoItem, desk: Desk<BoxDocument, Known>): Boxed {
  const client = useQueryClient();
  const [unsaved, setUnsaved] = useState<string>();
  const mark = useMutation({
    mutationFn: (boxed: boolean) =>
      said(api.PATCH("/api/photos/{id}", { params: { path: { id: photo.id } }, body: { boxed } })),
  });
  const done = mark.data?.boxed ?? photo.boxed ?? false;
  const turn = async (): Promise<boolean> => {
    setUnsaved(undefined);
    if (!done) {
      const why = await whyUnsaved(desk);
      if (why) {
        setUnsaved(`The photo is not called done: ${why}`);
        return false;
      }
    }
    try {
      const { boxed } = await mark.mutateAsync(!done);
      await client.invalidateQueries({ queryKey: ["tasks"] });
      await client.invalidateQueries({ queryKey: ["photos"] });
      return boxed ?? false;
    } catch {
      return false; // `problem` says why
    }
  };
  return { done, turn, problem: unsaved ?? (mark.error ? wordsOf(mark.error) : undefined) };
}
