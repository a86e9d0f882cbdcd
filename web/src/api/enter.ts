/** The way in by name and password. */

import { api, carryToken, said } from "./client";
import type { SessionInfo } from "./types";

export async function enter(name: string, password: string): Promise<SessionInfo> {
  // The session may have ended since the page was opened, and its token with it; who is still here leaves first.
  const now = await said(api.GET("/api/session"));
  carryToken(now.csrf);
  if (now.person) carryToken((await said(api.DELETE("/api/session"))).csrf);
  return said(api.POST("/api/session", { body: { name, password } }));
}
