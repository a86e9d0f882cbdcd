/** Tools as buttons, each with its key. */

import type { JSX } from "react";

import type { PageName } from "../model/keys";
import { hint } from "../model/keys";

export interface ToolButton {
  readonly id: string;
  readonly name: string;
  readonly pressed?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly act: () => void;
}

interface ToolBarProps {
  readonly label: string;
  readonly where: PageName;
  readonly tools: readonly ToolButton[];
}

export function ToolBar({ label, where, tools }: ToolBarProps): JSX.Element {
  return (
    <div role="toolbar" aria-label={label} className="toolbar">
      {tools.map((tool) => (
        <button
          key={tool.id}
          type="button"
          aria-pressed={tool.pressed}
          disabled={tool.disabled}
          onClick={tool.act}
          aria-keyshortcuts={hint(tool.id, where) || undefined}
        >
          {tool.name}
          {hint(tool.id, where) && <kbd aria-hidden="true">{hint(tool.id, where)}</kbd>}
        </button>
      ))}
    </div>
  );
}
