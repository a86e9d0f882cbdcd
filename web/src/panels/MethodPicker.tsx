/** Whose results are shown, and the others that were compared with it. */

import type { JSX } from "react";

interface MethodPickerProps {
  readonly method: string | null | undefined;
  readonly methods: readonly string[] | undefined;
  readonly choose: (method: string) => void;
}

export function MethodPicker({ method, methods = [], choose }: MethodPickerProps): JSX.Element {
  if (!method) return <></>;
  if (methods.length < 2) return <p>Method: {method}</p>;
  return (
    <label>
      Method
      <select value={method} onChange={(event) => choose(event.target.value)}>
        {methods.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

const KEY = "amodal method";

/** The method that was chosen last in this tab; the server knows what to show where it is of other results. */
export function methodKept(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keepMethod(method: string): void {
  sessionStorage.setItem(KEY, method);
}
