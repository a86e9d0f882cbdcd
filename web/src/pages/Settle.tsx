/** The expert's word about an object that its annotators do not agree about. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useMemo, useRef, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { Consensus, ObjectItem, PhotoDocument, ServerMask } from "../api/types";
import { MaskEditor } from "../desk/MaskEditor";
import type { OpenOutline } from "../desk/maskPlan";
import { drawingOf } from "../desk/maskPlan";
import { openSettling, settlePlan, votedTable } from "../desk/settling";
import { useDesk } from "../desk/useDesk";
import { drawingIn } from "../desk/versions";
import { Clock } from "../model/clock";
import { draftKey } from "../model/drafts";
import type { Drawing } from "../model/drawing";
import { blank } from "../model/drawing";
import { isEmpty } from "../model/mask";
import { decode, encode } from "../model/rle";
import { MaskPicture } from "../panels/MaskPicture";
import { ObjectHistory } from "../panels/ObjectHistory";
import { go } from "../route";

interface SettleProps {
  readonly photo: number;
  readonly owner: string;
  readonly object: number;
}

export function Settle({ photo, owner, object }: SettleProps): JSX.Element {
  const server = useQuery(questions.photo(photo));
  if (server.error) return <p role="alert" className="problem">{wordsOf(server.error)}</p>; // prettier-ignore
  if (!server.data || server.isFetching) return <p className="wait">Loading …</p>;
  const item = server.data.objects.find((one) => one.id === object);
  if (!item?.consensus) return <p className="wait">There is nothing to settle about this object.</p>;
  const key = draftKey(owner, "settle", object);
  return <SettleDesk owner={owner} server={server.data} item={item} consensus={item.consensus} draft={key} />;
}

interface SettleDeskProps {
  readonly owner: string;
  readonly server: PhotoDocument;
  readonly item: ObjectItem;
  readonly consensus: Consensus;
  /** Where the browser keeps what is drawn. */
  readonly draft: string;
}

function SettleDesk({ owner, server, item, consensus, draft }: SettleDeskProps): JSX.Element {
  const client = useQueryClient();
  const { photo } = server;
  const masks = consensus.masks ?? [];
  const decided = useRef(false);
  const [table] = useState(() => votedTable(server));
  const [start] = useState(() => ({ document: openSettling(draft, item, consensus, table), known: {} }));
  const plan = useMemo(
    () => settlePlan(draft, item, consensus, table, () => decided.current),
    [draft, item, consensus, table],
  );
  const desk = useDesk(start, plan);
  const [open, setOpen] = useState<OpenOutline>();
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
  const reopen = useMutation({
    mutationFn: () =>
      said(
        api.POST("/api/objects/{id}/reopen", {
          params: { path: { id: item.id } },
          body: { version: consensus.version },
        }),
      ),
    onSuccess: () => client.invalidateQueries(),
  });
  const take = (author: string | null | undefined, drawing: Drawing): void => {
    desk.edit(`start from ${author ?? "this mask"}`, (now) => ({ ...now, [item.id]: drawing }));
  };
  const isOver = consensus.state === "agreed" || consensus.state === "settled";
  const problem = settle.error ?? reopen.error;
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
      side={
        <section aria-label="Settle">
          <h2>Settle</h2>
          <p>
            Round {consensus.round}
            {typeof consensus.agreement === "number" && `, agreement ${consensus.agreement.toFixed(3)}`}
          </p>
          {isOver && (
            <p>
              {consensus.settled_by ? `Settled by ${consensus.settled_by}.` : "Agreed by the vote."}{" "}
              <button type="button" disabled={reopen.isPending} onClick={() => reopen.mutate()}>
                Open again
              </button>
            </p>
          )}
          {problem && (
            <p role="alert" className="problem">
              {wordsOf(problem)}
            </p>
          )}
          <div className="choices">
            {consensus.amodal && (
              <figure>
                <figcaption>The vote</figcaption>
                <Stored photo={photo} rle={consensus.amodal} />
                <button type="button" onClick={() => settle.mutate({ choice: "vote" })}>
                  Take the vote
                </button>
              </figure>
            )}
            {masks.map((mask, index) => (
              <figure key={mask.id}>
                <figcaption>{mask.author ?? `Mask ${index + 1}`}</figcaption>
                <Stored photo={photo} rle={mask.amodal} />
                <button type="button" onClick={() => settle.mutate({ choice: "mask", mask_id: mask.id })}>
                  Choose this one
                </button>
                <button type="button" onClick={() => take(mask.author, drawingOf(mask))}>
                  Go on from it
                </button>
              </figure>
            ))}
          </div>
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
            name={item.label}
            version={consensus.version}
            take={(one) => {
              const old = drawingIn(one, photo);
              return old && (() => take(one.author, old));
            }}
          />
        </section>
      }
    />
  );
}

function Stored({ photo, rle }: { photo: PhotoDocument["photo"]; rle: ServerMask["amodal"] }): JSX.Element {
  const mask = useMemo(() => decode(rle), [rle]);
  return <MaskPicture photo={photo} mask={mask} />;
}
