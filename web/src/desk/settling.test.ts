import { describe, expect, test, vi } from "vitest";

import { carry, sendForm } from "../api/client";
import type { PhotoDocument } from "../api/types";
import { VisibleMasks } from "../model/drawing";
import { area, maskFromBox } from "../model/mask";
import { encode } from "../model/rle";
import { votedTable } from "./settling";

const FRAME = { width: 40, height: 30 };

function decided(id: number, box: [number, number, number, number]): unknown {
  return { id, deleted: false, consensus: { amodal: encode(maskFromBox(FRAME, box)), masks: [] } };
}

describe("on the table of the expert who settles an object", () => {
  test("a neighbour in front hides what the order says", () => {
    const objects = [decided(1, [0, 0, 10, 10]), decided(2, [5, 0, 15, 10])];
    const table = votedTable({ objects } as unknown as PhotoDocument);
    expect(area(new VisibleMasks().of(1, table, [2])!)).toBe(50);
  });
});

test("a form is sent again with the token of a server that was started anew", async () => {
  const session = { project: "streets", person: null, csrf: "of the old server" };
  carry(session);
  const tokens: (string | null)[] = [];
  const server = vi.spyOn(globalThis, "fetch").mockImplementation(async (path, init) => {
    if (path === "/api/session") return Response.json({ ...session, csrf: "of the new server" });
    tokens.push(new Headers(init?.headers).get("X-CSRF-Token"));
    return tokens.at(-1) === "of the new server"
      ? Response.json({ photos: [] })
      : new Response("{}", { status: 403 });
  });
  await sendForm("/api/photos", new FormData());
  server.mockRestore();
  expect(tokens.at(-1)).toBe("of the new server");
});
