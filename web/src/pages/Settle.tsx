/** Where an object stands between its annotators, and the expert's word about it. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useMemo, useRef, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { Consensus, ObjectItem, PhotoDocument } from "../api/types";
import { MaskEditor } from "../desk/MaskEditor";
import type { OpenOutlines } from "../desk/maskPlan";
import { drawingOf } from "../desk/maskPlan";
import { openSettling, settlePlan, votedTable } from "../desk/settling";
import { useDesk } from "../desk/useDesk";
import { drawingIn } from "../desk/versions";
import { Clock } from "../model/clock";
import { draftKey } from "../model/drafts";
import type { Drawing } from "../model/drawing";
import { blank } from "../model/drawing";
import { asBox } from "../model/geometry";
import { isEmpty } from "../model/mask";
import { encode } from "../model/rle";
import { isSettled } from "../model/standing";
import { ObjectHistory } from "../panels/ObjectHistory";
import { Standing } from "../panels/Standing";
import { Versions, versionsOf } from "../panels/Versions";
import { go } from "../route";
import { Decision } from "./Decision";

interface SettleProps {
  readonly photo: number;
  readonly owner: string;
  readonly object: number;
  /** Whether this is an expert; managers only look. */
  readonly mayDecide: boolean;
}

export function Settle({ photo, owner, object, mayDecide }: SettleProps): JSX.Element {
  const server = useQuery(questions.photo(photo));
  const project = useQuery(questions.project);
  if (server.error) return <p role="alert" className="problem">{wordsOf(server.error)}</p>; // prettier-ignore
  if (!server.data || server.isFetching || !project.data) return <p className="wait">Loading …</p>;
  const item = server.data.objects.find((one) => one.id === object);
  if (!item?.consensus) return <p className="wait">There is nothing to settle about this object.</p>;
  const known = { server: server.data, item, consensus: item.consensus, stage: project.data.stage };
  if (!mayDecide || isSettled(item.consensus)) return <Decision {...known} mayDecide={mayDecide} />;
  return <SettleDesk owner={owner} draft={draftKey(owner, "settle", object)} {...known} />;
}

interface SettleDeskProps {
  readonly owner: string;
  readonly server: PhotoDocument;
  readonly item: ObjectItem;
  readonly consensus: Consensus;
  readonly stage: number;
  /** Where the browser keeps what is drawn. */
  readonly draft: string;
}

function SettleDesk({ owner, server, item, consensus, stage, draft }: SettleDeskProps): JSX.Element {
  const client = useQueryClient();
  const { photo } = server;
  const versions = useMemo(() => versionsOf(consensus), [consensus]);
  const decided = useRef(false);
  const [table] = useState(() => votedTable(server));
  const [start] = useState(() => ({ document: openSettling(draft, item, consensus, table), known: {} }));
  const plan = useMemo(
    () => settlePlan(draft, item, consensus, table, () => decided.current),
    [draft, item, consensus, table],
  );
  const desk = useDesk(start, plan);
  const [open, setOpen] = useState<OpenOutlines>([]);
  const [clock] = useState(() => new Clock());
  const ids = useMemo(() => [item.id], [item.id]);
  const settle = useMutation({
    mutationFn: (choice: { choice: "vote" | "mask" | "drawn"; mask_id?: number }) => {
      const drawn = desk.document[item.id] ?? blank(photo);
      const masks = choice.choice === "drawn" ? { amodal: encode(drawn.amodal), inmodal: drawn.inmodal && encode(drawn.inmodal) } : {}; // prettier-ignore
      const body = { version: consensus.version, ...choice, ...masks };
      return said(
        api.POST("/api/objects/{id}/settle", { params: { path: { id: item.id } }, body: body as never }),
      );
    },
    onSuccess: async () => {
      decided.current = true;
      await client.invalidateQueries();
      go("/photos");
    },
  });
  const take = (author: string | null | undefined, drawing: Drawing): void => {
    desk.edit(`start from ${author ?? "this mask"}`, (now) => ({ ...now, [item.id]: drawing }));
  };
  const drawn = desk.document[item.id];
  return (
    <MaskEditor
      title={`${photo.name}: settle ${item.label}`}
      owner={owner}
      server={server}
      ids={ids}
      desk={desk}
      clock={clock}
      first={item.id}
      open={open}
      setOpen={setOpen}
      decide={{ name: "Settle", act: () => !settle.isPending && settle.mutate({ choice: "drawn" }) }}
      side={() => (
        <section aria-label="Settle">
          <h2>Settle</h2>
          <Standing consensus={consensus} stage={stage} />
          {settle.error && (
            <p role="alert" className="problem">
              {wordsOf(settle.error)}
            </p>
          )}
          <Versions
            photo={photo}
            item={item}
            versions={versions}
            actions={({ of }) =>
              of ? (
                <>
                  <button type="button" onClick={() => settle.mutate({ choice: "mask", mask_id: of.id })}>
                    Choose this one
                  </button>
                  <button type="button" onClick={() => take(of.author, drawingOf(of))}>
                    Go on from it
                  </button>
                </>
              ) : (
                <button type="button" onClick={() => settle.mutate({ choice: "vote" })}>
                  Take the vote
                </button>
              )
            }
          />
          <button
            type="button"
            className="main"
            disabled={!drawn || isEmpty(drawn.amodal)}
            onClick={() => settle.mutate({ choice: "drawn" })}
          >
            Settle with what is drawn here
          </button>
          <ObjectHistory
            photo={photo}
            object={item.id}
            part={asBox(item.box)}
            name={item.label}
            version={consensus.version}
            take={(one) => {
              const old = drawingIn(one, photo);
              return old && (() => take(one.author, old));
            }}
          />
        </section>
      )}
    />
  );
}
