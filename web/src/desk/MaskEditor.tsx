/** Masks under the hand: pass 2 of a photo, and what an expert draws to settle an object. */

import type { JSX, ReactNode } from "react";
import { useCallback, useEffect, useMemo, useState } from "react";

import { api, said, wordsOf } from "../api/client";
import type { PhotoDocument, Proposal } from "../api/types";
import type { Shown } from "../canvas/paint";
import type { Clock } from "../model/clock";
import type { Drawing, KnownMasks, MaskDocument, MaskStep } from "../model/drawing";
import { blank, polygonsOf, VisibleMasks, withPolygons } from "../model/drawing";
import { asBox } from "../model/geometry";
import { isEmpty } from "../model/mask";
import { nearer, numbering } from "../model/order";
import { colourOf } from "../model/palette";
import { decode } from "../model/rle";
import type { Stray } from "../model/stray";
import { strayOf } from "../model/stray";
import { ObjectPanels } from "../panels/ObjectPanels";
import { ProposalPanel } from "../panels/ProposalPanel";
import { Question } from "../panels/Question";
import { ToolBar } from "../panels/ToolBar";
import type { MaskTool } from "../tools/maskTools";
import { MASK_TOOLS, useMaskTools } from "../tools/maskTools";
import { edgeOf } from "./boxPlan";
import type { OpenOutlines } from "./maskPlan";
import { withOutline } from "./maskPlan";
import { useMaskProposals } from "./maskProposals";
import type { Desk } from "./useDesk";
import { useKeys } from "./useKeys";
import { Canvas, useWorkbench, WorkFrame } from "./workbench";

const TOOL_NAMES: Readonly<Record<MaskTool, string>> = {
  select: "Choose",
  polygon: "Outline",
  corners: "Corners",
  brush: "Brush",
  eraser: "Eraser",
  "visible-brush": "Visible brush",
  "visible-eraser": "Visible eraser",
};

/** What the list says of an object that has its mask. */
export const SETTLED = "settled";

interface MaskEditorProps {
  readonly title: string;
  readonly owner: string;
  readonly server: PhotoDocument;
  /** The objects that may be drawn; the others are only shown. */
  readonly ids: readonly number[];
  /** Those of the list, which may be looked at; the same where it is missing. */
  readonly listed?: readonly number[];
  /** How far an object is, in a word; from its drawing where it is missing. */
  readonly stateOf?: (id: number) => string | undefined;
  readonly desk: Desk<MaskDocument, KnownMasks>;
  readonly clock: Clock;
  readonly first: number | undefined;
  readonly open: OpenOutlines;
  readonly setOpen: (open: OpenOutlines) => void;
  readonly onNext?: (() => void) | undefined;
  /** What Done and its key do with the drawing instead, by another name: missing where it is one's own and is saved. */
  readonly decide?: { readonly name: string; readonly act: () => void };
  readonly side?: (chosen: number | undefined, nameOf: (id: number) => string) => ReactNode;
  readonly children?: ReactNode;
}

export function MaskEditor(props: MaskEditorProps): JSX.Element {
  const { server, ids, desk, clock, open, setOpen, listed = ids } = props;
  const { photo } = server;
  const { document, edit } = desk;
  const bench = useWorkbench();
  const [tool, setTool] = useState<MaskTool>("polygon");
  const [radius, setRadius] = useState(() => Math.max(3, Math.round(photo.height / 50)));
  const [problem, setProblem] = useState<string>();
  // What is visible of these is not touched by the eraser: only their hidden part is being painted.
  const [finished, setFinished] = useState<ReadonlySet<number>>(new Set());
  const [unsure, setUnsure] = useState<Stray>();
  const [chosen, setChosen] = useState<number | undefined>(props.first ?? ids[0] ?? listed[0]);
  const choose = useCallback(
    (id: number | undefined) => {
      if (id === undefined || listed.includes(id)) setChosen(id);
    },
    [listed],
  );
  /** The chosen object, where it may be drawn. */
  const active = chosen !== undefined && ids.includes(chosen) ? chosen : undefined;
  useEffect(() => clock.choose(active), [active, clock]);
  const edges = useMemo(() => server.order.edges.map(edgeOf), [server.order.edges]);
  const boxes = useMemo(
    () =>
      server.objects
        .filter((one) => listed.includes(one.id))
        .map((one) => ({ id: one.id, box: asBox(one.box) })),
    [server.objects, listed],
  );
  const nameOf = useCallback(
    (id: number): string => {
      const index = server.objects.findIndex((one) => one.id === id);
      return `${server.objects[index]?.label ?? "object"} ${index + 1}`;
    },
    [server.objects],
  );
  const colour = useCallback(
    (id: number) => colourOf(server.objects.findIndex((one) => one.id === id)),
    [server.objects],
  );
  const placed = useMemo(
    () => server.objects.map((one) => ({ key: one.id, box: asBox(one.box) })),
    [server.objects],
  );
  const numbers = useMemo(() => numbering(placed, edges), [placed, edges]);
  const fronts = useMemo(
    () => new Map(placed.map(({ key }) => [key, nearer(key, numbers, edges)])),
    [placed, numbers, edges],
  );
  const [masks] = useState(() => new VisibleMasks());
  const tools = useMaskTools({ frame: photo, tool, radius, document, boxes, visible: (id) => masks.of(id, document, fronts.get(id) ?? []), chosen: active, choose, edit, open, setOpen, fixed: finished }); // prettier-ignore
  const proposals = useMaskProposals(props.owner, server, ids, desk, choose);
  const { begun, live } = tools;
  const { stateOf } = props;
  const shown = useMemo((): Shown[] => {
    // What is far is painted first.
    const far = server.objects.toSorted(
      (a, b) => (numbers.numbers.get(b.id) ?? 0) - (numbers.numbers.get(a.id) ?? 0),
    );
    return far.map((one) => {
      const proposed = live[one.id] ? undefined : proposals.open.find((two) => two.object_id === one.id);
      return {
        key: one.id,
        colour: colour(one.id),
        text: nameOf(one.id) + (proposed ? "?" : stateOf?.(one.id) === SETTLED ? " ✓" : ""),
        box: asBox(one.box),
        dashed: Boolean(proposed),
        amodal: live[one.id]?.amodal ?? (proposed && maskOf(proposed, "amodal")),
        visible: live[one.id]
          ? masks.of(one.id, live, fronts.get(one.id) ?? [])
          : proposed && maskOf(proposed, "inmodal"),
      };
    });
  }, [server.objects, numbers, live, proposals.open, colour, nameOf, masks, fronts, stateOf]);

  const own = active === undefined ? undefined : document[active];
  const step = (by: number) => (): void => {
    const [index, count] = [listed.indexOf(chosen ?? -1), listed.length];
    if (count) choose(listed[index < 0 && by < 0 ? count - 1 : (index + by + count) % count]);
  };
  const done = (sure: boolean): void => {
    if (tools.closeOutline()) return setProblem(undefined);
    if (begun) return setProblem("An outline has three corners at least: click more, or leave it by Escape.");
    if (active === undefined || !own) return;
    if (isEmpty(own.amodal)) return setProblem("There is nothing drawn yet.");
    setProblem(undefined);
    const stray = strayOf(own.amodal, boxes.find((one) => one.id === active)!.box);
    setUnsure(sure || own.state === "done" ? undefined : stray);
    if (stray && !sure && own.state !== "done") return;
    const drawing: Drawing = { ...own, state: "done" };
    proposals.recordDone(active, drawing);
    if (props.decide) return props.decide.act();
    edit(`${nameOf(active)} is done`, (now) => ({ ...now, [active]: drawing }));
    const rest = ids.filter((id) => id !== active && document[id]?.state !== "done");
    if (rest.length) choose(rest.find((id) => ids.indexOf(id) > ids.indexOf(active)) ?? rest[0]);
  };
  const change = (label: string, how: (drawing: Drawing) => Drawing): void => {
    if (active === undefined) return;
    edit(label, (now) => ({ ...now, [active]: how(now[active] ?? blank(photo)) }));
  };
  const snap = async (): Promise<void> => {
    if (!own || isEmpty(own.amodal)) return;
    setProblem(undefined);
    try {
      const ask = (polygon: readonly number[]) =>
        said(
          api.POST("/api/photos/{id}/snap", {
            params: { path: { id: photo.id } },
            body: { polygon: [...polygon] },
          }),
        );
      const snapped = await Promise.all(polygonsOf(own).map(ask));
      const lines = snapped.map((one) => one.polygon);
      change("snapped to edges", (drawing) => withPolygons(drawing, photo, lines));
    } catch (error) {
      setProblem(wordsOf(error));
    }
  };
  const undo = tools.takeBack
    ? { act: tools.takeBack, label: "left an outline" }
    : { act: desk.undo, label: desk.canUndo };
  const proposed = proposals.open.find((one) => one.object_id === chosen);
  const ask = ids.length && !proposals.busy ? proposals.ask : undefined;
  const finish = (proposal: Proposal): void => {
    proposals.finish(proposal);
    if (proposal.object_id !== null) setFinished(new Set([...finished, proposal.object_id]));
    setTool("brush");
  };
  useKeys("masks", {
    ...bench.acts,
    undo: undo.act,
    redo: desk.redo,
    save: () => void desk.saveNow(),
    "next-photo": props.onNext,
    "next-object": step(1),
    "previous-object": step(-1),
    ...toolKeys(setTool),
    "follow-order": () => change("visible part from the order", (drawing) => ({ ...drawing, inmodal: null })),
    smaller: () => setRadius((old) => Math.max(1, Math.round(old * 0.8))),
    larger: () => setRadius((old) => Math.min(400, Math.ceil(old * 1.25))),
    close: () => done(false),
    "last-corner": () => begun && setOpen(withOutline(open, begun.id, begun.points.slice(0, -2))),
    clear: () => change("emptied the mask", () => blank(photo)),
    cancel: tools.cancel,
    propose: ask,
    accept: () => proposed && proposals.judge(proposed, "accepted"),
    refuse: () => proposed && proposals.judge(proposed, "refused"),
    finish: () => proposed && finish(proposed),
    snap: () => void snap(),
  });
  return (
    <WorkFrame
      title={props.title}
      where="masks"
      bench={bench}
      save={desk.save}
      kept={desk.kept}
      onSave={() => void desk.saveNow()}
      onLeave={desk.leave}
      subjectOf={(step) => nameOf((step as MaskStep).id)}
      undo={undo}
      redo={{ act: desk.redo, label: desk.canRedo }}
      onNext={props.onNext}
      tools={
        <ToolBar
          label="Tools"
          where="masks"
          tools={[
            ...MASK_TOOLS.map((id) => ({
              id,
              name: TOOL_NAMES[id],
              pressed: tool === id,
              act: () => setTool(id),
            })),
            { id: "snap", name: "Snap", disabled: !own || isEmpty(own.amodal), act: () => void snap() },
            { id: "propose", name: "Ask the model", disabled: !ask, act: () => ask?.() },
            {
              id: "close",
              name: begun ? "Close outline" : (props.decide?.name ?? "Done"),
              disabled: !own && !begun,
              act: () => done(false),
            },
          ]}
        />
      }
      stage={<Canvas bench={bench} photo={photo} shown={shown} chosen={chosen} tools={tools} />}
      side={
        <>
          {problem && (
            <p role="alert" className="problem">
              {problem}
            </p>
          )}
          {props.side?.(chosen, nameOf)}
          <label className="radius">
            Brush radius {radius} px
            <input
              type="range"
              min={1}
              max={400}
              value={radius}
              onChange={(event) => setRadius(event.target.valueAsNumber)}
            />
          </label>
          {own?.inmodal && (
            <p>
              {finished.has(active!)
                ? `What is visible of ${nameOf(active!)} is the proposal's and stays; paint what is hidden.`
                : `The visible part of ${nameOf(active!)} was corrected by hand.`}
            </p>
          )}
          <ProposalPanel proposals={{ ...proposals, finish }} nameOf={(one) => nameOf(one.object_id!)} />
          <ObjectPanels
            objects={placed}
            listed={listed}
            edges={edges}
            numbering={numbers}
            chosen={chosen}
            choose={choose}
            nameOf={nameOf}
            colourOf={colour}
            detailOf={(id) =>
              stateOf?.(id) ??
              (open.some((one) => one.id === id) ? "outline open" : (document[id]?.state ?? "to do"))
            }
            look={bench.look}
            setLook={bench.setLook}
          />
        </>
      }
    >
      {unsure && (
        <Question
          title="Is this the right object?"
          back="Go on drawing"
          onBack={() => setUnsure(undefined)}
          onDone={() => done(true)}
        >
          <p>{wordsOfStray(nameOf(active!), unsure)}</p>
        </Question>
      )}
      {props.children}
    </WorkFrame>
  );
}

function wordsOfStray(name: string, { inside, beyond }: Stray): string {
  const [share, far] = [Math.round(100 * inside), Math.round(100 * beyond)];
  return `${share} % of the mask of ${name} lies in its box, and it reaches out by ${far} % of the box's size.`;
}

function toolKeys(set: (tool: MaskTool) => void): Record<MaskTool, () => void> {
  return Object.fromEntries(MASK_TOOLS.map((name) => [name, () => set(name)])) as Record<
    MaskTool,
    () => void
  >;
}

const decoded = new WeakMap<object, ReturnType<typeof decode>>();

/** Decoded once: a picture of a mask is kept as long as the mask is the same one. */
function maskOf(proposal: Proposal, which: "amodal" | "inmodal") {
  const rle = proposal[which];
  const kept = decoded.get(rle) ?? decode(rle);
  decoded.set(rle, kept);
  return kept;
}
