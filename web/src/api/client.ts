/** The typed way to the server. Types come from openapi.json; every 4xx and 5xx becomes a Refusal in words. */

import createClient from "openapi-fetch";

import { Refusal } from "../model/autosave";
import type { paths } from "./schema";

let token = "";

/** The token of the session; every write carries it. */
export function carryToken(csrf: string): void {
  token = csrf;
}

export const api = createClient<paths>({ baseUrl: "", fetch: carried });

async function carried(request: Request): Promise<Response> {
  // fetch is looked up at each call, so that tests can stand in for it.
  if (request.method === "GET") return globalThis.fetch(request);
  request.headers.set("X-CSRF-Token", token);
  const again = request.clone();
  const response = await globalThis.fetch(request);
  // A server that was started anew knows other tokens; the page need not be loaded anew for that.
  if (response.status !== 403 || !(await tokenChanged())) return response;
  again.headers.set("X-CSRF-Token", token);
  return globalThis.fetch(again);
}

async function tokenChanged(): Promise<boolean> {
  const before = token;
  const response = await globalThis.fetch("/api/session");
  if (response.ok) carryToken(((await response.json()) as { csrf: string }).csrf);
  return token !== before;
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
    const told = !error.field || error.message.startsWith(`${error.field}:`);
    return told ? error.message : `${error.field}: ${error.message}`;
  }
  return "The server cannot be reached.";
}

/** Sends a form with files; the typed client only knows JSON bodies. */
export async function sendForm<Data>(path: string, form: FormData): Promise<Data> {
  const ask = (): Promise<Response> =>
    globalThis.fetch(path, { method: "POST", body: form, headers: { "X-CSRF-Token": token } });
  let response = await ask();
  if (response.status === 403 && (await tokenChanged())) response = await ask();
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refusalOf(response.status, body);
  return body as Data;
}
