/** Pass 2: one annotator's whole masks of the objects of one photo, blind to the others'. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { PhotoDocument, ServerMask } from "../api/types";
import { MaskEditor } from "../desk/MaskEditor";
import type { OpenOutline } from "../desk/maskPlan";
import { knownOf, maskPlan, openMaskTable } from "../desk/maskPlan";
import { useDesk } from "../desk/useDesk";
import { useNextTask } from "../desk/workbench";
import { Clock } from "../model/clock";
import { draftKey } from "../model/drafts";
import type { KnownMask, MaskStep } from "../model/drawing";
import { asKnown, sameDrawing } from "../model/drawing";
import { asBox } from "../model/geometry";
import { ConflictDialog } from "../panels/ConflictDialog";
import { MaskPicture } from "../panels/MaskPicture";

interface MasksProps {
  readonly photo: number;
  readonly owner: string;
  readonly object: number | undefined;
}

export function Masks({ photo, owner, object }: MasksProps): JSX.Element {
  const server = useQuery(questions.photo(photo));
  if (server.error) return <p role="alert" className="problem">{wordsOf(server.error)}</p>; // prettier-ignore
  if (!server.data || server.isFetching) return <p className="wait">Loading …</p>;
  return <MaskDesk server={server.data} owner={owner} object={object} />;
}

interface MaskDeskProps {
  readonly server: PhotoDocument;
  readonly owner: string;
  readonly object: number | undefined;
}

function MaskDesk({ server, owner, object }: MaskDeskProps): JSX.Element {
  const { photo } = server;
  const [start] = useState(() => openMaskTable(draftKey(owner, "masks", photo.id), server));
  const [open, setOpen] = useState<OpenOutline | undefined>(start.open);
  const newest = useRef(open);
  const clock = useClock(start.seconds);
  const plan = useMemo(() => maskPlan(owner, photo, clock, () => newest.current), [owner, photo, clock]);
  const desk = useDesk(start, plan);
  const { known, document, resolve, save } = desk;
  const keepOpen = useCallback((next: OpenOutline | undefined): void => {
    newest.current = next;
    setOpen(next);
  }, []);
  useEffect(() => {
    // An outline that is not closed is no part of the document, but a reload must not lose it.
    const now = { document, known: known() };
    plan.keep(now, plan.next(now.document, now.known) !== undefined);
  }, [open, plan, document, known]);
  const ids = useMemo(
    () =>
      server.objects.filter((one) => !one.deleted && !isSettled(one.consensus?.state)).map((one) => one.id),
    [server.objects],
  );
  const next = useNextTask(desk.saveNow);

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
      desk={desk}
      clock={clock}
      first={object && ids.includes(object) ? object : ids.find((id) => document[id]?.state !== "done")}
      open={open}
      setOpen={keepOpen}
      onNext={() => void next()}
      side={ids.length === 0 ? <p>All objects of this photo are settled.</p> : undefined}
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

function isSettled(state: string | undefined): boolean {
  return state === "agreed" || state === "settled";
}

function useClock(seconds: ReadonlyMap<number, number>): Clock {
  const [clock] = useState(() => {
    const made = new Clock();
    for (const [id, spent] of seconds) made.startFrom(id, spent);
    return made;
  });
  useEffect(() => {
    const sign = (): void => clock.sign();
    window.addEventListener("keydown", sign);
    return () => window.removeEventListener("keydown", sign);
  }, [clock]);
  return clock;
}
