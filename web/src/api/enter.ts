/** The way in by name and password. */

import { api, carry, said } from "./client";
import type { SessionInfo } from "./types";

export async function enter(name: string, password: string): Promise<SessionInfo> {
  // The session may have ended since the page was opened, and its token with it; who is still here leaves first.
  const now = await said(api.GET("/api/session"));
  carry(now);
  if (now.person) carry(await said(api.DELETE("/api/session")));
  return said(api.POST("/api/session", { body: { name, password } }));
}
