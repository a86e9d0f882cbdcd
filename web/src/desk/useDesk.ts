/** A document under the hand: undo, redo, saving, and what is kept in the browser meanwhile. */

import { useCallback, useEffect, useRef, useState } from "react";

import type { SaveState } from "../model/autosave";
import { Autosave, wordsOfSave } from "../model/autosave";
import type { History } from "../model/history";
import { begin, perform, redo, undo } from "../model/history";
import type { Visit } from "../model/visit";

export interface Table<Document, Known> {
  readonly document: Document;
  /** What the server has said. */
  readonly known: Known;
}

export interface Plan<Document, Known, Step> {
  readonly next: (document: Document, known: Known, skip?: (step: Step) => boolean) => Step | undefined;
  /** What the server would not take as it is now, and so is no step: said as not saved, and kept in the browser. */
  readonly held?: (document: Document, known: Known) => string | undefined;
  /** Whether a step that was refused is still the same one; by its text where nothing is said. */
  readonly same?: (a: Step, b: Step) => boolean;
  /** What it is about as the server has it: somebody leaves what was refused. */
  readonly without?: (document: Document, known: Known, step: Step) => Document;
  /** Tells the server; gives what is known afterwards. */
  readonly send: (step: Step, known: Known) => Promise<(known: Known) => Known>;
  /** Keeps the table in the browser, or forgets it where all is saved; false where the browser would not. */
  readonly keep: (table: Table<Document, Known>, unsaved: boolean) => boolean;
  /** Keeps undo and redo over a reload, until something changes. */
  readonly remember?: (visit: Visit<Document, Known>) => void;
  readonly forget?: () => void;
}

export interface Desk<Document, Known> {
  readonly document: Document;
  readonly known: () => Known;
  readonly save: SaveState;
  /** False where the browser would not keep what is not saved yet. */
  readonly kept: boolean;
  readonly canUndo: string | undefined;
  readonly canRedo: string | undefined;
  /** A change that can be undone; the label is said aloud. */
  readonly edit: (label: string, change: (document: Document) => Document) => void;
  readonly undo: () => void;
  readonly redo: () => void;
  /** Saves at once, also what was refused before; tells how it ended. */
  readonly saveNow: () => Promise<SaveState>;
  /** Gives up a step that was refused. */
  readonly leave: (step: unknown) => void;
  /** The other side of a conflict was looked at: what is known now, and what to go on with. */
  readonly resolve: (
    known: (known: Known) => Known,
    label?: string,
    change?: (document: Document) => Document,
  ) => void;
}

/** Saves, and says in words why something is not saved after all. */
export async function whyUnsaved(desk: Pick<Desk<never, never>, "saveNow">): Promise<string | undefined> {
  const state = await desk.saveNow();
  return state.kind === "saved" ? undefined : `not everything is saved. ${wordsOfSave(state)}`;
}

export function useDesk<Document, Known, Step>(
  start: Table<Document, Known> & { readonly history?: History<Document> | undefined },
  plan: Plan<Document, Known, Step>,
): Desk<Document, Known> {
  const [history, setHistory] = useState<History<Document>>(() => start.history ?? begin(start.document));
  const [kept, setKept] = useState(true);
  const [save, setSave] = useState<SaveState>({ kind: "saved" });
  // The autosave runs between renderings, so the newest table must not wait for one.
  const table = useRef({ history, known: start.known });
  const away = useRef(false);
  const [autosave] = useState(
    () =>
      new Autosave<Step>({
        next: (skip) => plan.next(table.current.history.present, table.current.known, skip),
        ...(plan.same && { same: plan.same }),
        held: () => plan.held?.(table.current.history.present, table.current.known),
        send: async (step) => {
          const learned = await plan.send(step, table.current.known);
          table.current.known = learned(table.current.known);
          keep();
          if (away.current) plan.remember?.(table.current); // the last save of a page that was left
        },
        tell: setSave,
      }),
  );

  const keep = useCallback(() => {
    const now = { document: table.current.history.present, known: table.current.known };
    const unsaved = plan.next(now.document, now.known) ?? plan.held?.(now.document, now.known);
    setKept(plan.keep(now, unsaved !== undefined));
    plan.forget?.();
  }, [plan]);
  const become = useCallback(
    (change: (history: History<Document>) => History<Document>) => {
      table.current.history = change(table.current.history);
      setHistory(table.current.history);
      away.current = false;
      keep();
      autosave.changed();
    },
    [autosave, keep],
  );

  useEffect(() => {
    const online = (): void => void autosave.now();
    const leaving = (): void => {
      keep();
      plan.remember?.(table.current);
      away.current = true;
    };
    const hiding = (): void => {
      if (document.visibilityState === "hidden") leaving();
    };
    window.addEventListener("online", online);
    window.addEventListener("pagehide", leaving);
    document.addEventListener("visibilitychange", hiding);
    autosave.changed(); // a draft of an earlier visit
    return () => {
      window.removeEventListener("online", online);
      window.removeEventListener("pagehide", leaving);
      document.removeEventListener("visibilitychange", hiding);
      leaving();
      void autosave.now();
    };
  }, [autosave, keep, plan]);

  return {
    document: history.present,
    known: useCallback(() => table.current.known, []),
    save,
    kept,
    canUndo: history.done.at(-1)?.label,
    canRedo: history.undone.at(-1)?.label,
    edit: useCallback((label, change) => become((old) => perform(old, label, change(old.present))), [become]),
    undo: useCallback(() => become(undo), [become]),
    redo: useCallback(() => become(redo), [become]),
    saveNow: useCallback(() => autosave.again(), [autosave]),
    leave: useCallback(
      (step) =>
        become((old) => {
          const left = plan.without?.(old.present, table.current.known, step as Step);
          return left ? perform(old, "left what was refused", left) : old;
        }),
      [become, plan],
    ),
    resolve: useCallback(
      (known, label, change) => {
        table.current.known = known(table.current.known);
        if (change) {
          table.current.history = perform(
            table.current.history,
            label ?? "",
            change(table.current.history.present),
          );
          setHistory(table.current.history);
        }
        keep();
        void autosave.now();
      },
      [autosave, keep],
    ),
  };
}
