/** Who hides whom, drawn from near (left) to far (right); objects and arrows can be clicked. */

import type { JSX, KeyboardEvent } from "react";

import type { Edge, Numbering } from "../model/order";
import type { Colour } from "../model/palette";
import { css } from "../model/palette";

interface OrderGraphProps<Key> {
  readonly members: readonly Key[];
  readonly edges: readonly Edge<Key>[];
  readonly numbering: Numbering<Key>;
  readonly chosen: Key | undefined;
  readonly choose: (key: Key) => void;
  readonly nameOf: (key: Key) => string;
  readonly colourOf: (key: Key) => Colour;
  /** Turns an arrow round; missing where nothing may be changed. */
  readonly onTurn?: ((edge: Edge<Key>) => void) | undefined;
}

const [COLUMN, ROW, RADIUS, MARGIN] = [72, 44, 14, 24];
/** Columns come closer where there are many, so that they fit the panel; then the picture becomes smaller. */
const [NARROWEST, PANEL] = [44, 240];

export function OrderGraph<Key extends string | number>(props: OrderGraphProps<Key>): JSX.Element {
  const { members, edges, numbering, chosen, choose, nameOf, colourOf, onTurn } = props;
  const columns = new Map<number, Key[]>();
  for (const key of members) {
    const number = numbering.numbers.get(key) ?? 0;
    columns.set(number, [...(columns.get(number) ?? []), key]);
  }
  const last = Math.max(0, ...columns.keys());
  const step = Math.min(COLUMN, Math.max(NARROWEST, (PANEL - 2 * MARGIN) / Math.max(1, last)));
  const place = new Map<Key, { x: number; y: number }>();
  for (const [number, keys] of columns) {
    keys.forEach((key, row) => place.set(key, { x: number * step + MARGIN, y: row * ROW + 22 }));
  }
  const width = last * step + 2 * MARGIN;
  const height = Math.max(1, ...[...columns.values()].map((keys) => keys.length)) * ROW + 8;
  const inside = edges.filter(([a, b]) => place.has(a) && place.has(b));
  return (
    <svg
      className="graph"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="group"
      aria-label="Order graph, near to far from left to right"
    >
      <defs>
        <marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0 8 4 0 8z" fill="currentColor" />
        </marker>
      </defs>
      {inside.map(([a, b]) => (
        <Arrow
          key={`${a} ${b}`}
          from={place.get(a)!}
          to={place.get(b)!}
          bad={numbering.cycle?.includes(a) && numbering.cycle.includes(b)}
          label={`${nameOf(a)} is in front of ${nameOf(b)}; turn round`}
          onTurn={onTurn && (() => onTurn([a, b]))}
        />
      ))}
      {[...place].map(([key, { x, y }]) => (
        <g key={key} {...button(`${nameOf(key)}, choose`, () => choose(key))} aria-pressed={key === chosen}>
          <circle
            cx={x}
            cy={y}
            r={RADIUS}
            fill={css(colourOf(key))}
            className={key === chosen ? "chosen" : ""}
          />
          <text x={x} y={y + 4} textAnchor="middle">
            {nameOf(key).split(" ").at(-1)}
          </text>
        </g>
      ))}
    </svg>
  );
}

interface ArrowProps {
  readonly from: { x: number; y: number };
  readonly to: { x: number; y: number };
  readonly bad: boolean | undefined;
  readonly label: string;
  readonly onTurn: (() => void) | undefined;
}

function Arrow({ from, to, bad, label, onTurn }: ArrowProps): JSX.Element {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [dx, dy] = [((to.x - from.x) / length) * RADIUS, ((to.y - from.y) / length) * RADIUS];
  // Arrows inside one column bend, or they would run through the objects between.
  const bend = Math.abs(to.x - from.x) < 1 ? 26 : 0;
  const path = `M${from.x + dx} ${from.y + dy} Q${(from.x + to.x) / 2 + bend} ${(from.y + to.y) / 2} ${to.x - dx} ${to.y - dy}`;
  return (
    <g className={bad ? "bad" : ""} {...(onTurn ? button(label, onTurn) : {})}>
      <path d={path} className="touch" />
      <path d={path} className="line" markerEnd="url(#tip)" />
    </g>
  );
}

function button(label: string, act: () => void) {
  return {
    role: "button",
    tabIndex: 0,
    "aria-label": label,
    onClick: act,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      act();
    },
  };
}
