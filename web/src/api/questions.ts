/** What pages ask the server, with one name each, so that an answer is kept and shared. */

import type { QueryClient } from "@tanstack/react-query";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { api, carry, ownerOf, said } from "./client";
import type { SessionInfo } from "./types";

export const questions = {
  session: queryOptions({
    queryKey: ["session"],
    queryFn: async ({ client, queryKey }) => {
      const session = await said(api.GET("/api/session"));
      const before = client.getQueryData<SessionInfo>(queryKey);
      if (before && ownerOf(before) !== ownerOf(session)) forgetAnswers(client);
      carry(session);
      return session;
    },
    staleTime: 0, // whoever comes back to this tab may have logged in as somebody else in another
  }),
  project: queryOptions({ queryKey: ["project"], queryFn: () => said(api.GET("/api/project")) }),
  photos: (query: PhotoQuery) =>
    queryOptions({
      queryKey: ["photos", query],
      queryFn: () => said(api.GET("/api/photos", { params: { query: query as never } })),
    }),
  photo: (id: number) =>
    queryOptions({
      queryKey: ["photo", id],
      queryFn: () => said(api.GET("/api/photos/{id}", { params: { path: { id } } })),
      // An editor starts from what is there when it opens; later answers would pull the drawing from under the hand.
      staleTime: 0,
      gcTime: 0,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
    }),
  tasks: queryOptions({ queryKey: ["tasks"], queryFn: () => said(api.GET("/api/tasks")) }),
  people: queryOptions({ queryKey: ["people"], queryFn: () => said(api.GET("/api/people")) }),
  progress: queryOptions({ queryKey: ["progress"], queryFn: () => said(api.GET("/api/manager/progress")) }),
  agreement: (stage: number, limit: number) =>
    queryOptions({
      queryKey: ["agreement", stage, limit],
      queryFn: () => said(api.GET("/api/manager/agreement", { params: { query: { stage, limit } } })),
      placeholderData: keepPreviousData,
    }),
  consistency: (stage: number) =>
    queryOptions({
      queryKey: ["consistency", stage],
      queryFn: () => said(api.GET("/api/manager/consistency", { params: { query: { stage } } })),
    }),
  statistics: queryOptions({
    queryKey: ["statistics"],
    queryFn: () => said(api.GET("/api/manager/statistics")),
  }),
  disagreements: (limit: number) =>
    queryOptions({
      queryKey: ["disagreements", limit],
      queryFn: () => said(api.GET("/api/manager/disagreements", { params: { query: { limit } } })),
      placeholderData: keepPreviousData,
    }),
};

/** Who is here changes: what was asked for somebody else is forgotten. */
export function forgetAnswers(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== questions.session.queryKey[0] });
}

export interface PhotoQuery {
  readonly offset: number;
  readonly limit: number;
  readonly sort?: string;
  readonly label?: string;
  readonly level?: string;
  /** Of compared results. */
  readonly method?: string;
}

/** The same photo as another method has it. */
export async function photoUnder(method: string, id: number): Promise<number> {
  const query = { method } as never; // only what looks at results has it
  const other = await said(api.GET("/api/photos/{id}", { params: { path: { id }, query } }));
  return other.photo.id;
}

export function pictureOf(photo: number): string {
  return `/api/photos/${photo}/picture`;
}

export function thumbnailOf(photo: number): string {
  return `/api/photos/${photo}/thumbnail`;
}
