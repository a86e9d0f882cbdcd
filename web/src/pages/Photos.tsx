/** The photos, what is to do in them, and the way in and out. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useEffect, useState } from "react";

import { wordsOf } from "../api/client";
import { questions, thumbnailOf } from "../api/questions";
import type { PhotoItem, SessionInfo, Task } from "../api/types";
import { counted } from "../model/words";
import { Exchange } from "../panels/Exchange";
import { keepMethod, methodKept, MethodPicker } from "../panels/MethodPicker";

const PAGE = 60;
const READING_MS = 700; // between two looks at a list that fills
const STATES = {
  new: "no boxes yet",
  boxing: "boxes begun",
  boxes: "boxes done",
  drawing: "being drawn",
  done: "done",
} as const;

export function Photos({ session }: { session: SessionInfo }): JSX.Element {
  const client = useQueryClient();
  const [offset, setOffset] = useState(0);
  const [sort, setSort] = useState(session.mode === "view" ? "worst" : "name");
  const [label, setLabel] = useState("");
  const [level, setLevel] = useState("");
  const [method, setMethod] = useState(() => (session.mode === "view" ? methodKept() : ""));
  const photos = useQuery(
    questions.photos({
      offset,
      limit: PAGE,
      sort,
      ...(label ? { label } : {}),
      ...(level ? { level } : {}),
      ...(method ? { method } : {}),
    }),
  );
  const reading = photos.data?.reading;
  useEffect(() => {
    if (!reading) return;
    const timer = setTimeout(() => void client.invalidateQueries(), READING_MS);
    return () => clearTimeout(timer);
  }, [photos.dataUpdatedAt, reading, client]);
  const secondStage = (useQuery(questions.project).data?.stage ?? 1) > 1;
  const roles = session.person?.roles ?? [];
  // Agreement and occlusion follow from what others drew, which annotators do not see.
  const seesOthers = session.mode === "view" || roles.includes("expert") || roles.includes("manager");
  const choose = (set: (value: string) => void) => (event: { target: { value: string } }) => {
    set(event.target.value);
    setOffset(0);
  };
  return (
    <main>
      <h1>Photos</h1>
      {(roles.includes("expert") || roles.includes("annotator")) && <Queue reading={!!reading} />}
      <div className="filters">
        <MethodPicker
          method={photos.data?.method}
          methods={photos.data?.methods}
          choose={(name) => {
            keepMethod(name);
            setMethod(name);
            setOffset(0);
          }}
        />
        <label>
          Sort by
          <select value={sort} onChange={choose(setSort)}>
            <option value="name">name</option>
            {seesOthers && <option value="worst">worst first</option>}
            {session.mode !== "view" && <option value="added">time added</option>}
            <option value="objects">number of objects</option>
          </select>
        </label>
        <label>
          Category
          <select value={label} onChange={choose(setLabel)}>
            <option value="">all</option>
            {photos.data?.labels.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {seesOthers && (
          <label>
            Occlusion
            <select value={level} onChange={choose(setLevel)}>
              <option value="">any level</option>
              <option value="L0">L0: nothing hidden</option>
              <option value="L1">L1: up to 30 %</option>
              <option value="L2">L2: 30 to 60 %</option>
              <option value="L3">L3: more than 60 %</option>
            </select>
          </label>
        )}
      </div>
      {photos.isError && (
        <p role="alert" className="problem">
          {wordsOf(photos.error)}
        </p>
      )}
      {reading && (
        <p role="status">
          Photos are being read in{reading.of > 0 && `: ${reading.done} of ${reading.of}`} …
        </p>
      )}
      {photos.data?.total === 0 &&
        !reading &&
        (label || level ? (
          <p>No photo has such an object.</p>
        ) : (
          <p>There is no photo here. Start with --images DIR, or take some in below.</p>
        ))}
      <ul className="photos">
        {photos.data?.photos.map((photo) => (
          <li key={photo.id}>
            <PhotoCard photo={photo} roles={roles} view={session.mode === "view"} secondStage={secondStage} />
          </li>
        ))}
      </ul>
      {photos.data && photos.data.total > PAGE && (
        <nav aria-label="Pages of photos" className="pager">
          <button type="button" disabled={offset === 0} onClick={() => setOffset(offset - PAGE)}>
            Before
          </button>
          {offset + 1} to {Math.min(offset + PAGE, photos.data.total)} of {photos.data.total}
          <button
            type="button"
            disabled={offset + PAGE >= photos.data.total}
            onClick={() => setOffset(offset + PAGE)}
          >
            Next
          </button>
        </nav>
      )}
      {(roles.includes("manager") || roles.includes("expert")) && <Exchange />}
    </main>
  );
}

interface PhotoCardProps {
  readonly photo: PhotoItem;
  readonly roles: readonly string[];
  readonly view: boolean;
  /** Whether what is done is counted of the second stage. */
  readonly secondStage: boolean;
}

function PhotoCard({ photo, roles, view, secondStage }: PhotoCardProps): JSX.Element {
  const worst = photo.worst ?? undefined;
  const waiting = photo.to_settle ?? [];
  return (
    <article>
      {photo.found === false ? (
        <div className="no-picture" />
      ) : (
        <img src={thumbnailOf(photo.id)} alt="" loading="lazy" width={240} height={150} />
      )}
      <h2>{photo.name}</h2>
      <p>
        {counted(photo.objects ?? 0, "object")}
        {!view && `, ${STATES[photo.state ?? "new"]}`}
        {(photo.of ?? 0) > 0 && `, ${secondStage ? "second stage: " : ""}${photo.done} of ${photo.of} done`}
        {worst !== undefined && `, worst ${worst.toFixed(2)}`}
      </p>
      {photo.found === false && (
        <p className="problem">The photo’s file is not found. Start with --images and its folder.</p>
      )}
      <p className="ways">
        {view && <a href={`#/view/${photo.id}`}>Look</a>}
        {roles.includes("expert") && <a href={`#/boxes/${photo.id}`}>Boxes and order</a>}
        {(roles.includes("annotator") || roles.includes("expert")) && (
          <a href={`#/masks/${photo.id}`}>Masks</a>
        )}
        {waiting.length > 0 && <a href={`#/settle/${photo.id}/${waiting[0]}`}>Settle {waiting.length}</a>}
      </p>
    </article>
  );
}

function Queue({ reading }: { reading: boolean }): JSX.Element {
  const tasks = useQuery(questions.tasks);
  const next = tasks.data?.tasks[0];
  if (tasks.error) return <p role="alert" className="problem">{wordsOf(tasks.error)}</p>; // prettier-ignore
  if (!tasks.data) return <p className="queue">Looking for what is to do …</p>;
  if (!next && reading) return <p className="queue">Looking for what is to do …</p>;
  if (!next) return <p className="queue">Nothing is waiting for you.</p>;
  return (
    <p className="queue">
      {tasks.data.total} waiting for you.{" "}
      <a className="main" href={addressOf(next)}>
        Next: {wordsOfTask(next)}
      </a>
    </p>
  );
}

export function addressOf(task: Task): string {
  if (task.kind === "pass1") return `#/boxes/${task.photo_id}`;
  if (task.kind === "settle") return `#/settle/${task.photo_id}/${task.object_id}`;
  return `#/masks/${task.photo_id}/${task.object_id}`;
}

function wordsOfTask(task: Task): string {
  const what = {
    pass1: "boxes and order of",
    pass2: `mask of ${task.label} in`,
    settle: `settle ${task.label} in`,
  };
  return `${what[task.kind]} ${task.photo}${(task.round ?? 1) > 1 ? `, round ${task.round}` : ""}`;
}
