/** Takes a decision about an object back; the page is asked for anew. */

import type { UseMutationResult } from "@tanstack/react-query";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, said } from "../api/client";
import type { Consensus } from "../api/types";

export function useReopen(object: number, version: number): UseMutationResult<Consensus, Error, void> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      said(api.POST("/api/objects/{id}/reopen", { params: { path: { id: object } }, body: { version } })),
    onSuccess: () => client.invalidateQueries(),
  });
}
