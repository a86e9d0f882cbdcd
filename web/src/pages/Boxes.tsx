/** Pass 1: the expert's boxes, categories and order of one photo. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useCallback, useMemo, useState } from "react";

import { wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { ObjectItem, Order, PhotoDocument, Project } from "../api/types";
import type { Shown } from "../canvas/paint";
import { boxPlan, learnObject, learnOrder, openBoxTable } from "../desk/boxPlan";
import { useBoxProposals } from "../desk/boxProposals";
import { useDesk } from "../desk/useDesk";
import { useBoxed } from "../desk/useBoxed";
import { useBoxTime } from "../desk/useBoxTime";
import { useKeys } from "../desk/useKeys";
import { boxIn } from "../desk/versions";
import { Canvas, useNextTask, useWorkbench, WorkFrame } from "../desk/workbench";
import type { BoxDocument, BoxStep, Known } from "../model/boxes";
import { addObject, changeObject, newKey, removeObject } from "../model/boxes";
import { draftKey } from "../model/drafts";
import type { Box, Point } from "../model/geometry";
import { asBox, moveBox } from "../model/geometry";
import type { Edge } from "../model/order";
import { moveInList, nearToFar, nextPlace, numbering, unsaid } from "../model/order";
import { colourOf } from "../model/palette";
import { BoxConflict } from "../panels/BoxConflict";
import { CategoryPicker } from "../panels/CategoryPicker";
import { ObjectHistory } from "../panels/ObjectHistory";
import { ObjectPanels } from "../panels/ObjectPanels";
import { ProposalPanel } from "../panels/ProposalPanel";
import { Question } from "../panels/Question";
import { ToolBar } from "../panels/ToolBar";
import type { BoxTool } from "../tools/boxTools";
import { pick, useBoxTools } from "../tools/boxTools";

export function Boxes({ photo, owner }: { photo: number; owner: string }): JSX.Element {
  const server = useQuery(questions.photo(photo));
  const project = useQuery(questions.project);
  const error = server.error ?? project.error;
  if (error) return <p role="alert" className="problem">{wordsOf(error)}</p>; // prettier-ignore
  if (!server.data || !project.data || server.isFetching) return <p className="wait">Loading …</p>;
  return <BoxDesk server={server.data} project={project.data} owner={owner} />;
}

interface BoxDeskProps {
  readonly server: PhotoDocument;
  readonly project: Project;
  readonly owner: string;
}

function BoxDesk({ server, project, owner }: BoxDeskProps): JSX.Element {
  const { photo } = server;
  const plan = useMemo(() => boxPlan(photo.id, owner), [photo.id, owner]);
  const [start] = useState(() => openBoxTable(draftKey(owner, "boxes", photo.id), server));
  const desk = useDesk(start, plan);
  const { document, known, edit } = desk;
  const bench = useWorkbench();
  const next = useNextTask(desk.saveNow);
  const boxed = useBoxed(photo, desk);
  useBoxTime(photo.id, owner, server.seconds ?? 0);
  const [tool, setTool] = useState<BoxTool>(document.objects.length ? "select" : "box");
  const [chosen, choose] = useState<string | undefined>();
  const labels = project.categories.map((one) => one.name);
  const [label, setLabel] = useState(labels[0] ?? "object");

  const nameOf = useCallback(
    (key: string): string => {
      const index = document.objects.findIndex((one) => one.key === key);
      if (index < 0) return known().objects[key]?.label ?? "an object"; // removed here, and has no number
      return `${document.objects[index]!.label} ${index + 1}`;
    },
    [document, known],
  );
  const create = (box: Box): void => {
    const key = newKey();
    edit(`drew ${label} ${document.objects.length + 1}`, (now) => addObject(now, { key, label, box }));
    choose(key);
  };
  const labelOf = (name: string): string => (labels.includes(name) ? name : label);
  const proposals = useBoxProposals(server, desk, labelOf);
  const { open: finds, nameOf: findName } = proposals;
  const [marked, mark] = useState<number>();
  const pointed = finds.find((one) => one.id === marked);
  const clickFree = (at: Point): void =>
    mark(
      pick(
        finds.map((one) => ({ key: `${one.id}`, id: one.id, box: asBox(one.box) })),
        at,
      )?.id,
    );
  const tools = useBoxTools({ tool, document, chosen, choose, edit, create, clickFree, nameOf });
  const numbers = useMemo(() => numbering(tools.live.objects, tools.live.edges), [tools.live]);
  const [asked, setAsked] = useState(false);
  const pairs = useMemo(() => unsaid(tools.live.objects, tools.live.edges), [tools.live]);
  const callDone = async (sure: boolean): Promise<void> => {
    const unsure = !sure && !boxed.done && pairs.length > 0;
    setAsked(unsure);
    if (!unsure && (await boxed.turn())) await next();
  };
  const showOpen = (): void => {
    setAsked(false);
    setTool("order");
    choose(pairs[0]?.[0]);
  };
  const colour = useCallback(
    (key: string) => colourOf(document.objects.findIndex((one) => one.key === key)),
    [document],
  );
  const shown = useMemo((): Shown[] => {
    const boxes = tools.live.objects.map((one, index) => ({
      key: one.key,
      colour: colourOf(index),
      text: `${one.label} ${index + 1} · ${numbers.numbers.get(one.key) ?? "?"}`,
      box: one.box,
    }));
    const proposed = finds.map((one, index) => ({
      key: `proposal-${one.id}`,
      colour: colourOf(boxes.length + index),
      text: `${findName(one)} · ${one.score.toFixed(2)}?`,
      box: asBox(one.box),
      dashed: true,
    }));
    return [...boxes, ...proposed];
  }, [tools.live, numbers, finds, findName]);

  const own = document.objects.find((one) => one.key === chosen);
  const written = own && desk.known().objects[own.key];
  const step = (by: number) => (): void => {
    const index = document.objects.findIndex((one) => one.key === chosen);
    const count = document.objects.length;
    if (count) choose(document.objects[index < 0 && by < 0 ? count - 1 : (index + by + count) % count]!.key);
  };
  const nudge = (dx: number, dy: number) => (): void => {
    if (own)
      edit(`moved ${nameOf(own.key)}`, (now) =>
        changeObject(now, own.key, { box: moveBox(own.box, dx, dy) }),
      );
  };
  const reorder = (step: -1 | 1) => (): void => {
    const members = numbers.clusters.find((list) => chosen && list.includes(chosen));
    if (!members || !chosen) return;
    const list = nearToFar(members, numbers.numbers);
    const place = nextPlace(list, chosen, step, document.objects, document.edges);
    if (place === list.indexOf(chosen)) return;
    edit(`order of ${nameOf(chosen)}`, (now) => ({
      ...now,
      edges: moveInList(list, chosen, place, now.objects, now.edges),
    }));
  };
  const remove = (): void => {
    if (chosen) edit(`removed ${nameOf(chosen)}`, (now) => removeObject(now, chosen));
  };
  const take = (name: string): void => {
    setLabel(name);
    if (own && own.label !== name) edit(`called ${nameOf(own.key)} ${name}`, (now) => changeObject(now, own.key, { label: name })); // prettier-ignore
  };
  const first = pointed ?? finds[0];
  /** A digit without a category, until something else is done. */
  const [noLabel, setNoLabel] = useState<{
    pressed: string;
    at: BoxDocument;
    chosen: string | undefined;
    tool: BoxTool;
  }>();
  const missed = noLabel?.at === document && noLabel.chosen === chosen && noLabel.tool === tool;
  useKeys("boxes", {
    ...bench.acts,
    undo: desk.undo,
    redo: desk.redo,
    save: () => void desk.saveNow(),
    "next-photo": () => void next(),
    "next-object": step(1),
    "previous-object": step(-1),
    select: () => setTool("select"),
    box: () => setTool("box"),
    order: () => setTool("order"),
    cancel: () => {
      if (!tools.cancel()) choose(undefined);
    },
    delete: remove,
    done: () => void callDone(false),
    nearer: reorder(-1),
    farther: reorder(1),
    "nudge-left": nudge(-1, 0),
    "nudge-right": nudge(1, 0),
    "nudge-up": nudge(0, -1),
    "nudge-down": nudge(0, 1),
    label: (pressed) => {
      const name = labels[Number(pressed) - 1];
      if (name) take(name);
      setNoLabel(name ? undefined : { pressed, at: document, chosen, tool });
    },
    propose: proposals.ask,
    accept: () => first && proposals.judge(first, "accepted"),
    refuse: () => first && proposals.judge(first, "refused"),
  });

  const resolve = (step: BoxStep, current: unknown, keep: boolean): void => {
    const [known, change] = settled(step, current, desk.known());
    desk.resolve(known, "took the other version", keep ? undefined : change);
  };
  return (
    <WorkFrame
      title={`${photo.name}: boxes and order`}
      where="boxes"
      bench={bench}
      save={desk.save}
      kept={desk.kept}
      onSave={() => void desk.saveNow()}
      onLeave={desk.leave}
      subjectOf={(step) => subjectOf(step as BoxStep, nameOf)}
      undo={{ act: desk.undo, label: desk.canUndo }}
      redo={{ act: desk.redo, label: desk.canRedo }}
      onNext={() => void next()}
      tools={
        <ToolBar
          label="Tools"
          where="boxes"
          tools={[
            { id: "select", name: "Choose", pressed: tool === "select", act: () => setTool("select") },
            { id: "box", name: "Box", pressed: tool === "box", act: () => setTool("box") },
            { id: "order", name: "In front of", pressed: tool === "order", act: () => setTool("order") },
            { id: "propose", name: "Ask the model", disabled: proposals.busy, act: proposals.ask },
            { id: "delete", name: "Remove", disabled: !chosen, act: remove },
            { id: "done", name: boxed.done ? "Not done" : "Photo done", act: () => void callDone(false) },
          ]}
        />
      }
      stage={
        <Canvas
          bench={bench}
          photo={photo}
          shown={shown}
          chosen={pointed ? `proposal-${pointed.id}` : chosen}
          tools={tools}
        />
      }
      side={
        <>
          {boxed.problem && (
            <p role="alert" className="problem">
              {boxed.problem}
            </p>
          )}
          <p className="hint" role="status">
            {missed ? (
              `There is no category ${noLabel.pressed}: the project has ${labels.length}.`
            ) : (
              <>
                {tool === "order" &&
                  (tools.front
                    ? `Now click what ${nameOf(tools.front)} is in front of.`
                    : "Click the object in front.")}
                {tool === "box" && "Draw the box of the whole object; it may leave the photo."}
              </>
            )}
          </p>
          <CategoryPicker
            categories={project.categories}
            label={own?.label ?? label}
            of={own && nameOf(own.key)}
            choose={take}
          />
          <ProposalPanel
            proposals={proposals}
            nameOf={findName}
            labelOf={labelOf}
            colourOf={(one) => colourOf(document.objects.length + finds.indexOf(one))}
            marked={pointed?.id}
            mark={mark}
          />
          <ObjectPanels
            objects={document.objects}
            edges={document.edges}
            numbering={numbers}
            chosen={chosen}
            choose={choose}
            nameOf={nameOf}
            colourOf={colour}
            detailOf={(key) => standing(numbers.numbers.get(key), pairs.flat().includes(key))}
            change={(label, edges) => edit(label, (now) => ({ ...now, edges }))}
            look={bench.look}
            setLook={bench.setLook}
          />
          {own && written && (
            <>
              {server.objects.find((one) => one.id === written.id)?.consensus && (
                <a href={`#/settle/${photo.id}/${written.id}`}>Masks and decision of {nameOf(own.key)}</a>
              )}
              <ObjectHistory
                key={written.id}
                photo={photo}
                object={written.id}
                part={own.box}
                name={nameOf(own.key)}
                version={written.version}
                take={(one) => {
                  const old = boxIn(one);
                  return (
                    old &&
                    (() => edit(`took version ${one.version}`, (now) => changeObject(now, own.key, old)))
                  );
                }}
              />
            </>
          )}
        </>
      }
    >
      {asked && (
        <Question
          title="Pairs without an order"
          back="Show them"
          onBack={showOpen}
          onDone={() => void callDone(true)}
        >
          <p>
            {pairs.length === 1 ? "One pair overlaps" : `${pairs.length} pairs overlap`} and nobody has said
            who is in front: {pairsIn(pairs, nameOf)}.
          </p>
        </Question>
      )}
      {desk.save.kind === "conflict" && (
        <BoxConflict
          step={desk.save.step as BoxStep}
          current={desk.save.current}
          nameOf={nameOf}
          keyOf={(id) =>
            Object.entries(desk.known().objects).find(([, one]) => one.id === id)?.[0] ?? String(id)
          }
          onResolve={resolve}
        />
      )}
    </WorkFrame>
  );
}

const PAIRS_NAMED = 5;

function pairsIn(pairs: readonly Edge<string>[], nameOf: (key: string) => string): string {
  const named = pairs.slice(0, PAIRS_NAMED).map(([a, b]) => `${nameOf(a)} and ${nameOf(b)}`);
  const more = pairs.length - named.length;
  return named.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

function subjectOf(step: BoxStep, nameOf: (key: string) => string): string {
  if (step.kind === "order") return "the order";
  return step.kind === "remove" ? "removing an object" : nameOf(step.key);
}

function standing(number: number | undefined, open: boolean): string {
  if (number) return `order ${number}`;
  return open ? "order open" : "in front";
}

/** What is known after a conflict, and the change that takes the other side. */
function settled(step: BoxStep, current: unknown, known: Known): Settled {
  if (step.kind === "order") {
    const learn = learnOrder(current as Order, known);
    const { edges } = learn(known).order;
    return [learn, (now) => ({ ...now, edges })];
  }
  const theirs = current as ObjectItem;
  const take: Settled[1] = (now) => {
    if (theirs.deleted) return removeObject(now, step.key);
    const change = { label: theirs.label, box: asBox(theirs.box) };
    const here = now.objects.some((one) => one.key === step.key);
    return here ? changeObject(now, step.key, change) : addObject(now, { key: step.key, ...change });
  };
  return [learnObject(step.key, theirs), take];
}

type Settled = [known: (known: Known) => Known, take: (document: BoxDocument) => BoxDocument];
