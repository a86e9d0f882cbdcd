/** The expert's word about an object that its annotators do not agree about. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useMemo, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { Consensus, ObjectItem, PhotoDocument, ServerMask } from "../api/types";
import { MaskEditor } from "../desk/MaskEditor";
import type { OpenOutline } from "../desk/maskPlan";
import { drawingOf } from "../desk/maskPlan";
import type { Plan } from "../desk/useDesk";
import { useDesk } from "../desk/useDesk";
import { Clock } from "../model/clock";
import type { KnownMasks, MaskDocument } from "../model/drawing";
import { blank } from "../model/drawing";
import { isEmpty } from "../model/mask";
import { decode, encode } from "../model/rle";
import { MaskPicture } from "../panels/MaskPicture";
import { go } from "../route";

export function Settle({ photo, object }: { photo: number; object: number }): JSX.Element {
  const server = useQuery(questions.photo(photo));
  if (server.error) return <p role="alert" className="problem">{wordsOf(server.error)}</p>; // prettier-ignore
  if (!server.data || server.isFetching) return <p className="wait">Loading …</p>;
  const item = server.data.objects.find((one) => one.id === object);
  if (!item?.consensus) return <p className="wait">There is nothing to settle about this object.</p>;
  return <SettleDesk server={server.data} item={item} consensus={item.consensus} />;
}

/** Nothing is saved on the way: only the decision is. */
const ON_PAPER: Plan<MaskDocument, KnownMasks, never> = {
  next: () => undefined,
  send: () => Promise.reject(new Error("nothing to send")),
  keep: () => true,
};

interface SettleDeskProps {
  readonly server: PhotoDocument;
  readonly item: ObjectItem;
  readonly consensus: Consensus;
}

function SettleDesk({ server, item, consensus }: SettleDeskProps): JSX.Element {
  const client = useQueryClient();
  const { photo } = server;
  const masks = consensus.masks ?? [];
  const [start] = useState(() => ({ document: startOf(item, consensus), known: {} }));
  const desk = useDesk(start, ON_PAPER);
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
      await client.invalidateQueries();
      go("/photos");
    },
  });
  const take = (mask: ServerMask): void => {
    desk.edit(`start from ${mask.author ?? "this mask"}`, (now) => ({ ...now, [item.id]: drawingOf(mask) }));
  };
  const drawn = desk.document[item.id];
  return (
    <MaskEditor
      title={`${photo.name}: settle ${item.label}`}
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
          {settle.isError && (
            <p role="alert" className="problem">
              {wordsOf(settle.error)}
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
                <button type="button" onClick={() => take(mask)}>
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
        </section>
      }
    />
  );
}

function Stored({ photo, rle }: { photo: PhotoDocument["photo"]; rle: ServerMask["amodal"] }): JSX.Element {
  const mask = useMemo(() => decode(rle), [rle]);
  return <MaskPicture photo={photo} mask={mask} />;
}

function startOf(item: ObjectItem, consensus: Consensus): MaskDocument {
  const first = consensus.masks?.[0];
  if (consensus.amodal) {
    return {
      [item.id]: {
        polygons: null,
        amodal: decode(consensus.amodal),
        inmodal: null,
        source: "drawn",
        state: "draft",
      },
    };
  }
  return first ? { [item.id]: drawingOf(first) } : {};
}
