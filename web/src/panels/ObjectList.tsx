/** The objects of the photo, to choose from. */

import type { JSX } from "react";

import type { Colour } from "../model/palette";
import { css } from "../model/palette";

export interface Row<Key> {
  readonly key: Key;
  readonly name: string;
  readonly colour: Colour;
  readonly detail: string;
}

interface ObjectListProps<Key> {
  readonly rows: readonly Row<Key>[];
  readonly chosen: Key | undefined;
  readonly choose: (key: Key) => void;
}

export function ObjectList<Key extends string | number>({
  rows,
  chosen,
  choose,
}: ObjectListProps<Key>): JSX.Element {
  return (
    <section aria-label="Objects" className="objects">
      <h2>Objects ({rows.length})</h2>
      <ul>
        {rows.map((row) => (
          <li key={row.key}>
            <button type="button" aria-pressed={row.key === chosen} onClick={() => choose(row.key)}>
              <span className="swatch" style={{ background: css(row.colour) }} aria-hidden="true" />
              <span>{row.name}</span>
              <small>{row.detail}</small>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
