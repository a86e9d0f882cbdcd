/** Every version of an object: who, when, what; also what was refused. */

import { useInfiniteQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useMemo, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import type { PhotoDocument, Revision } from "../api/types";
import { drawingIn } from "../desk/versions";
import type { Box } from "../model/geometry";
import { MaskPicture } from "./MaskPicture";

const PAGE = 20; // versions; saving while somebody draws makes hundreds

interface ObjectHistoryProps {
  readonly photo: PhotoDocument["photo"];
  readonly object: number;
  /** Where the object is: every version is shown on this part of the photo. */
  readonly part: Box;
  readonly name: string;
  /** Grows with what is written, so that the list is asked for anew. */
  readonly version: number;
  /** Lays a version on the table; undefined for one that this page cannot take, missing where it takes none. */
  readonly take?: (revision: Revision) => (() => void) | undefined;
}

export function ObjectHistory(props: ObjectHistoryProps): JSX.Element {
  const { photo, object, part, name, version, take } = props;
  const [open, setOpen] = useState(false);
  const history = useInfiniteQuery({
    queryKey: ["history", object, version],
    queryFn: ({ pageParam }) => {
      const query = { offset: pageParam, limit: PAGE };
      return said(api.GET("/api/objects/{id}/history", { params: { path: { id: object }, query } }));
    },
    initialPageParam: 0,
    getNextPageParam: ({ total }, pages) => {
      const shown = PAGE * pages.length;
      return shown < total ? shown : undefined;
    },
    enabled: open,
    staleTime: 0,
  });
  const revisions = history.data?.pages.flatMap((page) => page.revisions);
  return (
    <details className="history" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>History of {name}</summary>
      {history.error ? (
        <p role="alert" className="problem">
          {wordsOf(history.error)}
        </p>
      ) : revisions ? (
        <>
          <ol aria-label={`History of ${name}`}>
            {revisions.map((one) => (
              <Version key={keyOf(one)} photo={photo} part={part} revision={one} onTake={take?.(one)} />
            ))}
          </ol>
          {history.hasNextPage && (
            <p>
              {revisions.length} of {history.data?.pages[0]?.total}.{" "}
              <button
                type="button"
                disabled={history.isFetching}
                onClick={() => void history.fetchNextPage()}
              >
                Show more
              </button>
            </p>
          )}
        </>
      ) : (
        <p>Loading …</p>
      )}
    </details>
  );
}

interface VersionProps {
  readonly photo: PhotoDocument["photo"];
  readonly part: Box;
  readonly revision: Revision;
  readonly onTake: (() => void) | undefined;
}

function Version({ photo, part, revision, onTake }: VersionProps): JSX.Element {
  const [shown, show] = useState(false);
  const drawing = useMemo(() => (shown ? drawingIn(revision, photo) : undefined), [shown, revision, photo]);
  return (
    <li>
      <p>
        <strong>{wordsFor(revision)}</strong>
        {revision.refused && <em className="problem"> refused</em>}
        <br />
        {revision.author ?? (revision.kind === "consensus" ? "the vote" : "nobody")},{" "}
        <time dateTime={revision.time}>{new Date(revision.time).toLocaleString()}</time>
      </p>
      {Boolean(revision.payload["amodal"]) && (
        <button type="button" aria-expanded={shown} onClick={() => show(!shown)}>
          Show
        </button>
      )}
      {onTake && (
        <button type="button" onClick={onTake}>
          Take this version
        </button>
      )}
      {drawing && <MaskPicture photo={photo} mask={drawing.amodal} part={part} />}
    </li>
  );
}

function wordsFor({ kind, version, payload }: Revision): string {
  const said = (...names: string[]): string =>
    names
      .flatMap((name) => (payload[name] ? [String(payload[name])] : []))
      .concat(payload["deleted"] ? ["removed"] : [])
      .join(", ");
  const round = payload["round"] ? `, round ${String(payload["round"])}` : "";
  if (kind === "object") return `Box, version ${version}: ${said("label")}`;
  if (kind === "consensus") return `Decision, version ${version}${round}: ${said("state", "choice")}`;
  return `Mask, version ${version}${round}: ${said("state", "source")}`;
}

function keyOf(one: Revision): string {
  return `${one.kind} ${one.subject_id} ${one.version} ${one.time}`;
}
