/** Who is here changes: what was asked for somebody else is forgotten. */

import type { QueryClient } from "@tanstack/react-query";

import { carry } from "./client";
import { forgetAnswers, questions } from "./questions";
import type { SessionInfo } from "./types";

export function changePerson(client: QueryClient, session: SessionInfo): void {
  carry(session);
  // The session's own answer is changed and not removed, or the page that watches it would not be told.
  client.setQueryData(questions.session.queryKey, session);
  forgetAnswers(client);
}
