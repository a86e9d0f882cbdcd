/** Asked before something is called done that looks as if it were not. */

import type { JSX, ReactNode } from "react";
import { useEffect, useRef } from "react";

import { Dialog } from "./Dialog";

interface QuestionProps {
  readonly title: string;
  /** What the way back is called; it is where the focus stands. */
  readonly back: string;
  readonly children: ReactNode;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

export function Question({ title, back, children, onBack, onDone }: QuestionProps): JSX.Element {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <Dialog title={title} onClose={onBack}>
      {children}
      <footer>
        <button ref={first} type="button" className="main" onClick={onBack}>
          {back}
        </button>
        <button type="button" onClick={onDone}>
          Done anyway
        </button>
      </footer>
    </Dialog>
  );
}
