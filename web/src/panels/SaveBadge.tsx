/** Whether what was drawn is safe, in words. */

import type { JSX } from "react";

import type { SaveState } from "../model/autosave";

interface SaveBadgeProps {
  readonly state: SaveState;
  /** False where the browser would not keep what is not saved yet. */
  readonly kept: boolean;
  readonly onRetry: () => void;
}

export function SaveBadge({ state, kept, onRetry }: SaveBadgeProps): JSX.Element {
  const lost = state.kind === "offline" || state.kind === "refused";
  return (
    <div className={`save save-${state.kind}`} role="status" data-testid="save" data-state={state.kind}>
      <span>
        {wordsOf(state)}
        {lost &&
          (kept
            ? " It is kept in this browser."
            : " This browser has no room for it: do not leave the page.")}
      </span>
      {lost && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
      {state.kind === "refused" && state.status === 401 && (
        <a href={`#/login${window.location.hash.slice(1)}`}>Log in again</a>
      )}
    </div>
  );
}

function wordsOf(state: SaveState): string {
  switch (state.kind) {
    case "saved":
      return "Saved";
    case "waiting":
    case "saving":
      return "Saving …";
    case "offline":
      return state.message
        ? `Not saved yet, will be tried again: ${sentence(state.message)}`
        : "No connection, will be tried again.";
    case "conflict":
      return "Somebody else changed this";
    case "refused":
      return `Not saved: ${sentence(state.message)}`;
  }
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
