/** Whether what was drawn is safe, in words. */

import type { JSX } from "react";

import type { SaveState } from "../model/autosave";

export function SaveBadge({ state, onRetry }: { state: SaveState; onRetry: () => void }): JSX.Element {
  return (
    <div className={`save save-${state.kind}`} role="status" data-testid="save" data-state={state.kind}>
      {wordsOf(state)}
      {(state.kind === "offline" || state.kind === "refused") && (
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
      return "No connection: kept here, tried again";
    case "conflict":
      return "Somebody else changed this";
    case "refused":
      return `Not saved: ${state.message}`;
  }
}
