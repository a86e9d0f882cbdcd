/** What all pages with a photo share: the view, the sheet of keys, where to go next. */

import { useQueryClient } from "@tanstack/react-query";
import type { JSX, ReactNode } from "react";
import { useMemo, useState } from "react";

import { api, said } from "../api/client";
import { pictureOf } from "../api/questions";
import type { Look, Shown } from "../canvas/paint";
import { LOOK } from "../canvas/paint";
import type { PhotoStageProps } from "../canvas/PhotoStage";
import { PhotoStage } from "../canvas/PhotoStage";
import type { ViewChange } from "../canvas/stageGroup";
import { StageGroup } from "../canvas/stageGroup";
import type { SaveState } from "../model/autosave";
import type { ActionOf, PageName } from "../model/keys";
import { pan, zoom } from "../model/viewport";
import { addressOf } from "../pages/Photos";
import { KeySheet } from "../panels/KeySheet";
import { SaveBadge } from "../panels/SaveBadge";
import { ToolBar } from "../panels/ToolBar";
import { go } from "../route";
import type { Acts } from "./useKeys";

const PAN_PX = 80;

export interface Workbench {
  readonly look: Look;
  readonly setLook: (look: Look) => void;
  readonly stages: StageGroup;
  readonly sheet: boolean;
  readonly showSheet: (shown: boolean) => void;
  readonly acts: Pick<Acts<"view">, Exclude<ActionOf<"view">, "next-object" | "previous-object">>;
}

export function useWorkbench(): Workbench {
  const [look, setLook] = useState<Look>(LOOK);
  const [sheet, showSheet] = useState(false);
  const [stages] = useState(() => new StageGroup());
  const acts = useMemo((): Workbench["acts"] => {
    const change = (how: ViewChange) => () => stages.change(how);
    const middle = (factor: number) =>
      change((view, screen) => zoom(view, { x: screen.width / 2, y: screen.height / 2 }, factor));
    const turn = (name: "masks" | "hidden" | "isolate") => () =>
      setLook((old) => ({ ...old, [name]: !old[name] }));
    const fade = (by: number) => () =>
      setLook((old) => ({ ...old, opacity: Math.min(1, Math.max(0, old.opacity + by)) }));
    return {
      sheet: () => showSheet((old) => !old),
      fit: () => stages.fit(),
      "zoom-in": middle(1.25),
      "zoom-out": middle(0.8),
      "pan-left": change((view) => pan(view, PAN_PX, 0)),
      "pan-right": change((view) => pan(view, -PAN_PX, 0)),
      "pan-up": change((view) => pan(view, 0, PAN_PX)),
      "pan-down": change((view) => pan(view, 0, -PAN_PX)),
      isolate: turn("isolate"),
      masks: turn("masks"),
      hidden: turn("hidden"),
      fainter: fade(-0.1),
      stronger: fade(0.1),
      "photo-list": () => go("/photos"),
    };
  }, [stages]);
  return { look, setLook, stages, sheet, showSheet, acts };
}

interface CanvasProps {
  readonly bench: Workbench;
  readonly photo: {
    readonly id: number;
    readonly name: string;
    readonly width: number;
    readonly height: number;
  };
  readonly name?: string;
  readonly shown: readonly Shown[];
  readonly chosen: Shown["key"] | undefined;
  readonly tools: Pick<PhotoStageProps, "cursor" | "onGesture" | "paintTool">;
}

/** The photo with its objects, under the hand of some tools. */
export function Canvas({ bench, photo, name, shown, chosen, tools }: CanvasProps): JSX.Element {
  return (
    <PhotoStage
      name={name ?? photo.name}
      picture={pictureOf(photo.id)}
      frame={photo}
      shown={shown}
      chosen={chosen}
      look={bench.look}
      cursor={tools.cursor}
      onGesture={tools.onGesture}
      paintTool={tools.paintTool}
      group={bench.stages}
    />
  );
}

/** Save, then on to what the server says comes next. */
export function useNextTask(saveNow: () => Promise<unknown>): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await saveNow();
    await client.invalidateQueries({ queryKey: ["tasks"] });
    const { task } = await said(api.GET("/api/tasks/next"));
    go(task ? addressOf(task).slice(1) : "/photos");
  };
}

interface FrameProps {
  readonly title: string;
  readonly where: PageName;
  readonly bench: Workbench;
  readonly save?: SaveState | undefined;
  /** False where the browser would not keep what is not saved yet. */
  readonly kept?: boolean | undefined;
  readonly onSave?: (() => void) | undefined;
  /** Gives up a step that was refused. */
  readonly onLeave?: ((step: unknown) => void) | undefined;
  /** Which object a step is about. */
  readonly subjectOf?: ((step: unknown) => string) | undefined;
  readonly undo?: { act: () => void; label: string | undefined } | undefined;
  readonly redo?: { act: () => void; label: string | undefined } | undefined;
  readonly onNext?: (() => void) | undefined;
  readonly tools: ReactNode;
  readonly stage: ReactNode;
  readonly side: ReactNode;
  readonly children?: ReactNode;
}

export function WorkFrame(props: FrameProps): JSX.Element {
  const { title, where, bench, save, undo, redo, onNext } = props;
  const general = [
    ...(undo ? [{ id: "undo", name: "Undo", disabled: !undo.label, act: undo.act }] : []),
    ...(redo ? [{ id: "redo", name: "Redo", disabled: !redo.label, act: redo.act }] : []),
    { id: "fit", name: "Whole photo", act: () => bench.stages.fit() },
    { id: "sheet", name: "Keys", act: () => bench.showSheet(true) },
    ...(onNext ? [{ id: "next-photo", name: "Next task", act: onNext }] : []),
  ];
  return (
    <main className="work">
      <div className="work-head">
        <h1>{title}</h1>
        {save && (
          <SaveBadge
            state={save}
            kept={props.kept ?? true}
            onRetry={props.onSave ?? (() => undefined)}
            onLeave={props.onLeave}
            subjectOf={props.subjectOf}
          />
        )}
        <ToolBar label="General" where={where} tools={general} />
      </div>
      <div className="work-tools">{props.tools}</div>
      <div className="work-stage">{props.stage}</div>
      <aside className="work-side" aria-label="Panels">
        <div className="panels">{props.side}</div>
      </aside>
      {/* Said aloud after undo and redo, which change the picture only. */}
      <p className="said" role="status">
        {undo?.label ?? ""}
      </p>
      {bench.sheet && <KeySheet where={where} onClose={() => bench.showSheet(false)} />}
      {props.children}
    </main>
  );
}
