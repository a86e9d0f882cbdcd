/** Who did what that is not drawing, the newest first, a page at a time. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { api, said } from "../api/client";
import { Part } from "./Part";

const PAGE = 20;

export function AuditLog(): JSX.Element {
  const [offset, setOffset] = useState(0);
  const asked = useQuery({
    queryKey: ["audit", offset],
    // One more than is shown tells whether there are older ones.
    queryFn: () => said(api.GET("/api/audit", { params: { query: { offset, limit: PAGE + 1 } } })),
    placeholderData: keepPreviousData,
  });
  return (
    <Part title="Audit log" asked={asked}>
      {({ lines }) => (
        <>
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
              </tr>
            </thead>
            <tbody>
              {lines.slice(0, PAGE).map((line, place) => (
                <tr key={offset + place}>
                  <td>
                    <time dateTime={line.time}>{new Date(line.time).toLocaleString()}</time>
                  </td>
                  <td>{line.person ?? "–"}</td>
                  <td className="words">
                    {line.action}: {line.subject} <small>{detailOf(line.detail)}</small>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {(offset > 0 || lines.length > PAGE) && (
            <nav aria-label="Pages of the audit log" className="pager">
              <button type="button" disabled={offset === 0} onClick={() => setOffset(offset - PAGE)}>
                Newer
              </button>
              {offset + 1} to {offset + Math.min(PAGE, lines.length)}
              <button type="button" disabled={lines.length <= PAGE} onClick={() => setOffset(offset + PAGE)}>
                Older
              </button>
            </nav>
          )}
        </>
      )}
    </Part>
  );
}

function detailOf(detail: Readonly<Record<string, unknown>>): string {
  const words = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.entries(detail)
    .map(([name, value]) => `${name} ${words(value)}`)
    .join(", ");
}
