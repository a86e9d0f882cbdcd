/** The browser's own dialog: it keeps the focus inside and closes on Escape. */

import type { JSX, ReactNode } from "react";
import { useEffect, useId, useRef } from "react";

interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Missing where a decision is needed. */
  readonly onClose?: () => void;
  /** A key that closes it beside Escape, while the focus is inside; outside the page's own keys count. */
  readonly closeKey?: string;
}

export function Dialog({ title, children, onClose, closeKey }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal();
    return () => element.close();
  }, []);
  useEffect(() => {
    // The browser's own way out only works while the focus is inside, and it may be on nothing.
    const press = (event: KeyboardEvent): void => {
      const inside = dialog.current!.contains(event.target as Node | null);
      if (event.key === "Escape" || (inside && event.key === closeKey)) onClose?.();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [closeKey, onClose]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <header>
        <h2 id={heading}>{title}</h2>
        {onClose && (
          <button type="button" onClick={onClose} aria-label="Close">
            ×
          </button>
        )}
      </header>
      {children}
    </dialog>
  );
}
