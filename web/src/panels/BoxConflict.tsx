/** Two versions of a box or of the order. */

import type { JSX } from "react";

import type { ObjectItem, Order } from "../api/types";
import type { BoxStep } from "../model/boxes";
import { ConflictDialog } from "./ConflictDialog";

interface BoxConflictProps {
  readonly step: BoxStep;
  readonly current: unknown;
  readonly nameOf: (key: string) => string;
  readonly keyOf: (id: number) => string;
  readonly onResolve: (step: BoxStep, current: unknown, keep: boolean) => void;
}

export function BoxConflict({ step, current, nameOf, keyOf, onResolve }: BoxConflictProps): JSX.Element {
  const common = {
    onKeep: () => onResolve(step, current, true),
    onTake: () => onResolve(step, current, false),
  };
  if (step.kind === "order") {
    const theirs = (current as Order).edges;
    return (
      <ConflictDialog
        {...common}
        subject="The order of this photo"
        by={undefined}
        mine={<Edges edges={step.edges} nameOf={(id) => nameOf(keyOf(id))} />}
        theirs={<Edges edges={theirs} nameOf={(id) => nameOf(keyOf(id))} />}
      />
    );
  }
  const theirs = current as ObjectItem;
  return (
    <ConflictDialog
      {...common}
      subject={nameOf(step.key)}
      by={theirs.author ?? undefined}
      mine={
        "box" in step ? (
          <BoxWords label={step.label} box={step.box} />
        ) : (
          <p>{step.kind === "remove" ? "removed" : "there again"}</p>
        )
      }
      theirs={theirs.deleted ? <p>removed</p> : <BoxWords label={theirs.label} box={theirs.box} />}
    />
  );
}

function Edges({
  edges,
  nameOf,
}: {
  edges: readonly (readonly number[])[];
  nameOf: (id: number) => string;
}): JSX.Element {
  if (edges.length === 0) return <p>no order</p>;
  return (
    <ul>
      {edges.map(([front, behind]) => (
        <li key={`${front} ${behind}`}>
          {nameOf(front!)} in front of {nameOf(behind!)}
        </li>
      ))}
    </ul>
  );
}

function BoxWords({ label, box }: { label: string; box: readonly number[] }): JSX.Element {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = box;
  return (
    <p>
      {label}, from ({x0.toFixed(0)}, {y0.toFixed(0)}) to ({x1.toFixed(0)}, {y1.toFixed(0)})
    </p>
  );
}
