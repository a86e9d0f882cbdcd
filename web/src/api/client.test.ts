/** What is sent, and as whom. */

import { afterEach, describe, expect, test, vi } from "vitest";

import { apiOf, carry, ownerOf, said, wordsOf } from "./client";
import { Refusal } from "../model/autosave";
import type { SessionInfo } from "./types";

const person = (id: number) => ({ id, name: `person ${id}` }) as SessionInfo["person"];
const ANNA = { project: "streets", person: person(1), csrf: "token of anna" };
const BEN = { project: "streets", person: person(2), csrf: "token of ben" };

afterEach(() => vi.unstubAllGlobals());

/** A server at which `there` is logged in, by whatever tab; gives the tokens of the writes that it let through. */
function serverOf(there: Omit<SessionInfo, "mode">): string[] {
  const written: string[] = [];
  vi.stubGlobal("fetch", async (asked: Request | string) => {
    if (typeof asked === "string") return Response.json(there);
    const token = asked.headers.get("X-CSRF-Token") ?? "";
    if (token !== there.csrf) return Response.json({ error: { message: "token" } }, { status: 403 });
    written.push(token);
    return Response.json({});
  });
  return written;
}

function saveAs(owner: string): Promise<unknown> {
  const api = apiOf(owner);
  // The browser knows where it is; here the address is said.
  return said(
    api.DELETE("/api/objects/{id}", {
      baseUrl: "http://localhost",
      params: { path: { id: 3 }, query: { version: 1 } },
    }),
  );
}

describe("what somebody drew", () => {
  test("is sent again where a server that was started anew knows another token of the same person", async () => {
    carry(ANNA);
    const written = serverOf({ ...ANNA, csrf: "another" });
    await saveAs(ownerOf(ANNA));
    expect(written).toEqual(["another"]);
  });

  test("is not sent as the person who logged in in another tab", async () => {
    carry(ANNA);
    const written = serverOf(BEN);
    await expect(saveAs(ownerOf(ANNA))).rejects.toMatchObject({ status: 401 });
    expect(written).toEqual([]);
  });

  test("is not sent by an editor that outlives its owner's session on the page", async () => {
    carry(BEN);
    const written = serverOf(BEN);
    await expect(saveAs(ownerOf(ANNA))).rejects.toMatchObject({ status: 401 });
    expect(written).toEqual([]);
  });

  test("is not sent to another project that is served at the same address", async () => {
    carry(ANNA);
    const written = serverOf({ ...ANNA, project: "kitchens", csrf: "of the other project" });
    await expect(saveAs(ownerOf(ANNA))).rejects.toMatchObject({ status: 401 });
    expect(written).toEqual([]);
  });
});

describe("the words of a refusal", () => {
  test("name the field once where the server's sentence has it after the file", () => {
    const message = "cars.json: annotations[0].image_id: is 99, expected an id among the 1 of images";
    expect(wordsOf(new Refusal(422, message, undefined, "annotations[0].image_id"))).toBe(message);
  });

  test("name the field where the sentence does not", () => {
    expect(wordsOf(new Refusal(422, "is too short", undefined, "password"))).toBe("password: is too short");
  });
});
