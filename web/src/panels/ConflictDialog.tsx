/** Two people, or one in two windows, changed the same thing: both are shown, and nothing is lost whichever is taken. */

import { useQueryClient } from "@tanstack/react-query";
import type { JSX, ReactNode } from "react";
import { useState } from "react";

import { questions } from "../api/questions";
import { Dialog } from "./Dialog";

interface ConflictProps {
  readonly subject: string;
  readonly by: string | undefined;
  readonly mine: ReactNode;
  readonly theirs: ReactNode;
  readonly onKeep: () => void;
  readonly onTake: () => void;
}

export function ConflictDialog({ subject, by, mine, theirs, onKeep, onTake }: ConflictProps): JSX.Element {
  const [both, setBoth] = useState(false);
  const here = useQueryClient().getQueryData(questions.session.queryKey);
  const own = here?.mode === "one-person" || (by !== undefined && by === here?.person?.name);
  return (
    <Dialog title={own ? "Changed in another window" : by ? "Changed by somebody else" : "Changed elsewhere"}>
      <p>
        {subject} was changed {own ? "by you in another window " : by ? `by ${by} ` : ""}while you worked on
        it. The other version stays in the history whatever you choose, and taking it can be undone.
      </p>
      {both && (
        <div className="both">
          <figure>
            <figcaption>{own ? "Here" : "Yours"}</figcaption>
            {mine}
          </figure>
          <figure>
            <figcaption>{own ? "The other window's" : "Theirs"}</figcaption>
            {theirs}
          </figure>
        </div>
      )}
      <footer>
        <button type="button" className="main" onClick={onKeep}>
          Keep mine
        </button>
        <button type="button" onClick={onTake}>
          {own ? "Take the other one" : "Take theirs"}
        </button>
        <button type="button" aria-pressed={both} onClick={() => setBoth(!both)}>
          Both side by side
        </button>
      </footer>
    </Dialog>
  );
}
