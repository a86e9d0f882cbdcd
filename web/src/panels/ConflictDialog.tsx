/** Two people changed the same thing: both are shown, and nothing is lost whichever is taken. */

import type { JSX, ReactNode } from "react";
import { useState } from "react";

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
  return (
    <Dialog title="Changed by somebody else">
      <p>
        {subject} was changed {by ? `by ${by} ` : ""}while you worked on it. The other version stays in the
        history whatever you choose, and taking it can be undone.
      </p>
      {both && (
        <div className="both">
          <figure>
            <figcaption>Yours</figcaption>
            {mine}
          </figure>
          <figure>
            <figcaption>Theirs</figcaption>
            {theirs}
          </figure>
        </div>
      )}
      <footer>
        <button type="button" className="main" onClick={onKeep}>
          Keep mine
        </button>
        <button type="button" onClick={onTake}>
          Take theirs
        </button>
        <button type="button" aria-pressed={both} onClick={() => setBoth(!both)}>
          Both side by side
        </button>
      </footer>
    </Dialog>
  );
}
