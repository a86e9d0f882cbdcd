/** Pass 2: one annotator's whole masks of the objects of one photo, blind to the others'; and what is settled of it. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { ObjectItem, PhotoDocument, ServerMask } from "../api/types";
import { MaskEditor, SETTLED } from "../desk/MaskEditor";
import type { OpenOutlines } from "../desk/maskPlan";
import { knownOf, maskPlan, openMaskTable } from "../desk/maskPlan";
import { useDesk } from "../desk/useDesk";
import { useSigns } from "../desk/useSigns";
import { useNextTask } from "../desk/workbench";
import { Clock } from "../model/clock";
import { draftKey } from "../model/drafts";
import type { KnownMask, MaskStep } from "../model/drawing";
import { asKnown, sameDrawing } from "../model/drawing";
import { asBox } from "../model/geometry";
import { isSettled } from "../model/standing";
import { ConflictDialog } from "../panels/ConflictDialog";
import { OpenAgain } from "../panels/OpenAgain";
import { MaskPicture } from "../panels/MaskPicture";

interface MasksProps {
  readonly photo: number;
  readonly owner: string;
  readonly object: number | undefined;
  readonly roles: readonly string[];
}

export function Masks({ photo, owner, object, roles }: MasksProps): JSX.Element {
  const server = useQuery(questions.photo(photo));
  if (server.error) return <p role="alert" className="problem">{wordsOf(server.error)}</p>; // prettier-ignore
  if (!server.data || server.isFetching) return <p className="wait">Loading …</p>;
  return <MaskDesk server={server.data} owner={owner} object={object} roles={roles} />;
}

interface MaskDeskProps {
  readonly server: PhotoDocument;
  readonly owner: string;
  readonly object: number | undefined;
  readonly roles: readonly string[];
}

function MaskDesk({ server, owner, object, roles }: MaskDeskProps): JSX.Element {
  const { photo } = server;
  const [start] = useState(() => openMaskTable(draftKey(owner, "masks", photo.id), server));
  const [open, setOpen] = useState(start.open);
  const newest = useRef(open);
  const clock = useClock(start.seconds);
  const plan = useMemo(() => maskPlan(owner, photo, clock, () => newest.current), [owner, photo, clock]);
  const desk = useDesk(start, plan);
  const { known, document, resolve, save } = desk;
  const keepOpen = useCallback((next: OpenOutlines): void => {
    newest.current = next;
    setOpen(next);
  }, []);
  useEffect(() => {
    // An outline that is not closed is no part of the document, but a reload must not lose it.
    const now = { document, known: known() };
    plan.keep(now, plan.next(now.document, now.known) !== undefined);
  }, [open, plan, document, known]);
  const draws = roles.includes("annotator");
  const listed = useMemo(() => server.objects.filter((one) => !one.deleted), [server.objects]);
  /** What was settled when the photo was opened, and is not opened again. */
  const settled = useMemo(
    () =>
      new Set(
        listed.filter((one) => isSettled(one.consensus) && document[one.id]?.state === "done").map(idOf),
      ),
    [document, listed],
  );
  const stateOf = useCallback((id: number) => (settled.has(id) ? SETTLED : undefined), [settled]);
  const all = useMemo(() => listed.map(idOf), [listed]);
  const ids = useMemo(() => (draws ? all.filter((id) => !settled.has(id)) : []), [all, draws, settled]);
  const next = useNextTask(desk.saveNow);
  /** Opens what is settled: a drawing that is not done takes the decision back as soon as it is saved. */
  const draw = (id: number, name: string): void =>
    desk.edit(`opened ${name} again`, (now) => ({ ...now, [id]: { ...now[id]!, state: "draft" } }));

  const conflict = save.kind === "conflict" ? save : undefined;
  const step = conflict?.step as MaskStep | undefined;
  const theirs = useMemo(() => conflict && knownOf(conflict.current), [conflict]);
  const at = server.objects.find((one) => one.id === step?.id)?.box;
  const settle = useCallback(
    (id: number, there: KnownMask, keep: boolean): void =>
      resolve(
        (old) => ({ ...old, [id]: there }),
        "took the other version",
        keep ? undefined : (now) => asKnown(now, { [id]: there }, id),
      ),
    [resolve],
  );
  useEffect(() => {
    // The answer to our own save was lost on the way: both sides are one and the same.
    if (
      step &&
      theirs?.drawing &&
      sameDrawing({ ...step.drawing, polygons: null }, { ...theirs.drawing, polygons: null })
    ) {
      settle(step.id, theirs, true);
    }
  }, [step, theirs, settle]);
  return (
    <MaskEditor
      title={`${photo.name}: masks`}
      owner={owner}
      server={server}
      ids={ids}
      listed={all}
      stateOf={stateOf}
      desk={desk}
      clock={clock}
      first={
        // What was left in the middle comes before what a link names: it would be forgotten.
        start.open.findLast(({ id }) => ids.includes(id))?.id ??
        listed.find((one) => one.id === object)?.id ??
        ids.find((id) => document[id]?.state !== "done")
      }
      open={open}
      setOpen={keepOpen}
      onNext={() => void next()}
      side={(chosen, nameOf) => {
        const item = listed.find(({ id }) => id === chosen);
        const one = item && settled.has(item.id) && item;
        const round = item && !one && draws ? item.round : 1;
        return (
          <>
            {settled.size === listed.length && <p>All objects of this photo are settled.</p>}
            {!draws && <p>Annotators draw here; you see what is settled.</p>}
            {round > 1 && (
              <p>
                <strong>Round {round}</strong> of {nameOf(item!.id)}: the masks before did not settle it.
              </p>
            )}
            {one && (
              <OpenAgain
                photo={photo.id}
                item={one}
                name={nameOf(one.id)}
                isExpert={roles.includes("expert")}
                onDraw={draws ? () => draw(one.id, nameOf(one.id)) : undefined}
              />
            )}
          </>
        );
      }}
    >
      {step && theirs && at && (
        <ConflictDialog
          subject="This mask"
          by={(conflict?.current as Partial<ServerMask> | null)?.author ?? undefined}
          mine={<MaskPicture photo={photo} mask={step.drawing.amodal} part={asBox(at)} />}
          theirs={
            theirs.drawing ? (
              <MaskPicture photo={photo} mask={theirs.drawing.amodal} part={asBox(at)} />
            ) : (
              <p>nothing drawn</p>
            )
          }
          onKeep={() => settle(step.id, theirs, true)}
          onTake={() => settle(step.id, theirs, false)}
        />
      )}
    </MaskEditor>
  );
}

function idOf({ id }: ObjectItem): number {
  return id;
}

function useClock(seconds: ReadonlyMap<number, number>): Clock {
  const [clock] = useState(() => {
    const made = new Clock();
    for (const [id, spent] of seconds) made.startFrom(id, spent);
    return made;
  });
  useSigns(clock);
  return clock;
}
