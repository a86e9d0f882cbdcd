/** An object's masks to look at, with nothing drawn: for managers, and for everybody once it is decided. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useMemo, useState } from "react";

import { wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { Consensus, ObjectItem, PhotoDocument } from "../api/types";
import type { Shown } from "../canvas/paint";
import { useKeys } from "../desk/useKeys";
import { useReopen } from "../desk/useReopen";
import { Canvas, useWorkbench, WorkFrame } from "../desk/workbench";
import { asBox } from "../model/geometry";
import { colourOf } from "../model/palette";
import { decode } from "../model/rle";
import { isSettled } from "../model/standing";
import { LookPanel } from "../panels/LookPanel";
import { ObjectHistory } from "../panels/ObjectHistory";
import { Standing } from "../panels/Standing";
import type { Version } from "../panels/Versions";
import { Versions, versionsOf } from "../panels/Versions";

interface DecisionProps {
  readonly server: PhotoDocument;
  readonly item: ObjectItem;
  readonly consensus: Consensus;
  /** Which stage is on. */
  readonly stage: number;
  readonly mayDecide: boolean;
}

export function Decision({ server, item, consensus, stage, mayDecide }: DecisionProps): JSX.Element {
  const { photo } = server;
  const bench = useWorkbench();
  const versions = useMemo(() => versionsOf(consensus), [consensus]);
  const [chosen, choose] = useState(0);
  const onPhoto = versions[chosen];
  const shown = useMemo(
    () => server.objects.map((one, index) => shownOf(one, index, one.id === item.id ? onPhoto : undefined)),
    [server.objects, item.id, onPhoto],
  );
  const reopen = useReopen(item.id, consensus.version);
  useKeys("view", { ...bench.acts, "next-object": undefined, "previous-object": undefined });
  return (
    <WorkFrame
      title={`${photo.name}: masks and decision of ${item.label}`}
      where="view"
      bench={bench}
      tools={null}
      stage={<Canvas bench={bench} photo={photo} shown={shown} chosen={item.id} tools={NO_TOOL} />}
      side={
        <>
          <section aria-label="Decision">
            <h2>{isSettled(consensus) ? "Decided" : "Not decided yet"}</h2>
            <Standing consensus={consensus} stage={stage} />
            {!mayDecide && <Experts />}
            {mayDecide && !consensus.may_reopen && (
              <p>What the first stage decided stays; the second one is on.</p>
            )}
            {consensus.may_reopen && (
              <p>
                <button type="button" disabled={reopen.isPending} onClick={() => reopen.mutate()}>
                  Open again
                </button>{" "}
                to settle it otherwise.
              </p>
            )}
            {reopen.error && (
              <p role="alert" className="problem">
                {wordsOf(reopen.error)}
              </p>
            )}
            <Versions
              photo={photo}
              item={item}
              versions={versions}
              actions={(version) => (
                <button
                  type="button"
                  aria-pressed={version === onPhoto}
                  onClick={() => choose(versions.indexOf(version))}
                >
                  On the photo
                </button>
              )}
            />
          </section>
          <ObjectHistory
            photo={photo}
            object={item.id}
            part={asBox(item.box)}
            name={item.label}
            version={consensus.version}
          />
          <LookPanel look={bench.look} setLook={bench.setLook} />
        </>
      }
    />
  );
}

/** Whom a manager can ask. */
function Experts(): JSX.Element {
  const people = useQuery(questions.people);
  const names = people.data?.people
    .filter((one) => one.role === "expert" && one.active)
    .map((one) => one.name);
  if (!names) return <></>;
  return (
    <p>
      {names.length
        ? `Only an expert decides: ${names.join(", ")}.`
        : "Only an expert decides, and there is none; make one under People on the manager's page."}
    </p>
  );
}

const NO_TOOL = { cursor: "default", onGesture: nothing, paintTool: nothing };

function nothing(): void {
  // nothing is drawn here
}

/** The others as far as they are decided; of this one the version that was chosen. */
function shownOf(one: ObjectItem, index: number, version: Version | undefined): Shown {
  const { consensus } = one;
  const stands = isSettled(consensus) ? consensus : undefined;
  return {
    key: one.id,
    colour: colourOf(index),
    text: `${one.label} ${index + 1}`,
    box: asBox(one.box),
    amodal: version?.amodal ?? (stands?.amodal ? decode(stands.amodal) : undefined),
    visible: version ? version.visible : stands?.inmodal ? decode(stands.inmodal) : undefined,
  };
}
