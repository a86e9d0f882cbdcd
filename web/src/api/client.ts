/** The typed way to the server. Types come from openapi.json; every 4xx and 5xx becomes a Refusal in words. */

import createClient from "openapi-fetch";

import { Refusal } from "../model/autosave";
import type { paths } from "./schema";
import type { SessionInfo } from "./types";

type Here = Pick<SessionInfo, "project" | "person" | "csrf">;

let here = { owner: "", token: "" };

/** Whose page this is. What is drawn belongs to a person in a project; neither another person nor another project at
 * the same address may get it. */
export function ownerOf(session: Omit<Here, "csrf">): string {
  return `${session.project}/${session.person?.id ?? 0}`;
}

/** Who is here, and the token of the session, which every write carries. */
export function carry(session: Here): void {
  here = { owner: ownerOf(session), token: session.csrf };
}

export const api = createClient<paths>({ baseUrl: "", fetch: (request) => carried(request, here.owner) });

/** The way for what somebody drew, which may wait: it is sent while the owner is here, and as nobody else. */
export function apiOf(owner: string): typeof api {
  return createClient<paths>({ baseUrl: "", fetch: (request) => carried(request, owner) });
}

async function carried(request: Request, owner: string): Promise<Response> {
  // fetch is looked up at each call, so that tests can stand in for it.
  if (request.method === "GET") return globalThis.fetch(request);
  return written(owner, (token) => {
    const asked = request.clone(); // it may be sent twice
    asked.headers.set("X-CSRF-Token", token);
    return globalThis.fetch(asked);
  });
}

async function written(owner: string, ask: (token: string) => Promise<Response>): Promise<Response> {
  if (owner !== here.owner) throw somebodyElse();
  const response = await ask(here.token);
  if (response.status !== 403) return response;
  const now = await globalThis.fetch("/api/session");
  if (!now.ok) return response;
  const session = (await now.json()) as Here;
  // Logged in as somebody else in another tab, say: the page is told when it asks for its session itself.
  if (ownerOf(session) !== owner || owner !== here.owner) throw somebodyElse();
  if (session.csrf === here.token) return response;
  // A server that was started anew knows other tokens; the page need not be loaded anew for that.
  carry(session);
  return ask(session.csrf);
}

function somebodyElse(): Refusal {
  return new Refusal(
    401,
    "Somebody else is logged in now, or another project is open; this is sent for nobody else",
  );
}

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The document of an answer. Throws Refusal where the server said no. */
export async function said<Data>(asking: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await asking;
  if (response.ok) return data as Data;
  throw refusalOf(response.status, error);
}

export function refusalOf(status: number, body: unknown): Refusal {
  const problem = body as { error?: { message?: string; field?: string }; current?: unknown } | undefined;
  const message = problem?.error?.message ?? `The server answered ${status} without saying why.`;
  return new Refusal(status, message, problem?.current, problem?.error?.field ?? "");
}

export function wordsOf(error: unknown): string {
  if (error instanceof Refusal) {
    const told = !error.field || error.message.includes(`${error.field}:`); // a file's name may stand before it
    return told ? error.message : `${error.field}: ${error.message}`;
  }
  return "The server cannot be reached.";
}

/** Sends a form with files; the typed client only knows JSON bodies. */
export async function sendForm<Data>(path: string, form: FormData): Promise<Data> {
  const response = await written(here.owner, (token) =>
    globalThis.fetch(path, { method: "POST", body: form, headers: { "X-CSRF-Token": token } }),
  );
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refusalOf(response.status, body);
  return body as Data;
}
