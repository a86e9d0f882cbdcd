/** Whether what was drawn is safe, in words. */

import type { JSX } from "react";

import type { Aside, SaveState } from "../model/autosave";
import { sentence, wordsOfSave } from "../model/autosave";

interface SaveBadgeProps {
  readonly state: SaveState;
  /** False where the browser would not keep what is not saved yet. */
  readonly kept: boolean;
  readonly onRetry: () => void;
  readonly onLeave?: ((step: unknown) => void) | undefined;
  readonly subjectOf?: ((step: unknown) => string) | undefined;
}

export function SaveBadge({ state, kept, onRetry, onLeave, subjectOf }: SaveBadgeProps): JSX.Element {
  const aside = state.kind === "refused" ? state.aside : [];
  const [first] = aside;
  const lost = state.kind === "offline" || state.kind === "refused";
  const unsaved = lost || state.kind === "held";
  return (
    <div className={`save save-${state.kind}`} role="status" data-testid="save" data-state={state.kind}>
      <span>
        {first && subjectOf ? refusedWords(aside, subjectOf(first.step)) : wordsOfSave(state)}
        {unsaved &&
          (kept
            ? " It is kept in this browser."
            : " This browser has no room for it: do not leave the page.")}
      </span>
      {lost && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
      {first && onLeave && (
        <button type="button" onClick={() => onLeave(first.step)}>
          Leave it
        </button>
      )}
      {state.kind === "refused" && state.status === 401 && (
        <a href={`#/login${window.location.hash.slice(1)}`}>Log in again</a>
      )}
    </div>
  );
}

/** One after the other: what is left or saved makes room for the next. */
function refusedWords(aside: readonly Aside[], subject: string): string {
  const more = aside.length > 1 ? ` (1 of ${aside.length})` : "";
  return `Not saved${more}: ${subject}: ${sentence(aside[0]!.message)}`;
}
