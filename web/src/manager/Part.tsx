/** A section of the manager's page: what it asked for, or why that did not come. */

import type { JSX, ReactNode } from "react";

import { wordsOf } from "../api/client";

interface PartProps<Data> {
  readonly title: string;
  readonly asked: { data: Data | undefined; error: unknown };
  readonly children: (data: Data) => ReactNode;
}

export function Part<Data>({ title, asked, children }: PartProps<Data>): JSX.Element {
  return (
    <section aria-label={title} className="part">
      <h2>{title}</h2>
      {asked.error ? (
        <p role="alert" className="problem">
          {wordsOf(asked.error)}
        </p>
      ) : asked.data === undefined ? (
        <p>Loading …</p>
      ) : (
        children(asked.data)
      )}
    </section>
  );
}

export function score(value: number | null | undefined): string {
  return typeof value === "number" ? value.toFixed(3) : "–";
}
