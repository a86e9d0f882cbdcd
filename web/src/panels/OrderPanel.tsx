/** The clusters, each a list from near to far to drag objects in, with its graph; contradictions in words. */

import type { DragEvent, JSX } from "react";
import { useMemo, useState } from "react";

import type { Edge, Numbering, Placed } from "../model/order";
import { moveInList, nearToFar, nextPlace, unsaid } from "../model/order";
import type { Colour } from "../model/palette";
import { css } from "../model/palette";
import { OrderGraph } from "./OrderGraph";

interface OrderPanelProps<Key> {
  readonly objects: readonly Placed<Key>[];
  readonly edges: readonly Edge<Key>[];
  readonly numbering: Numbering<Key>;
  readonly chosen: Key | undefined;
  readonly choose: (key: Key) => void;
  readonly nameOf: (key: Key) => string;
  readonly colourOf: (key: Key) => Colour;
  readonly change?: (label: string, edges: readonly Edge<Key>[]) => void;
}

export function OrderPanel<Key extends string | number>(props: OrderPanelProps<Key>): JSX.Element {
  const { objects, edges, numbering, nameOf, change } = props;
  const isOpen = Boolean(change) && !numbering.cycle;
  const byNumber = useMemo(() => {
    const same = new Set(numbering.open.map(String));
    const pairs = isOpen ? unsaid(objects, edges) : [];
    return pairs.filter((pair) => !same.has(String(pair))).map((pair) => nearToFar(pair, numbering.numbers));
  }, [edges, isOpen, numbering, objects]);
  const several = numbering.clusters.filter((members) => members.length > 1);
  const turn = (edge: Edge<Key>): void =>
    change?.(
      `${nameOf(edge[1])} in front of ${nameOf(edge[0])}`,
      edges.map((one) => (one[0] === edge[0] && one[1] === edge[1] ? ([edge[1], edge[0]] as const) : one)),
    );
  const forget = (front: Key, behind: Key): void =>
    change?.(
      `no order of ${nameOf(front)} and ${nameOf(behind)}`,
      edges.filter(([a, b]) => a !== front || b !== behind),
    );
  return (
    <section aria-label="Order" className="order">
      <h2>Order</h2>
      <div role="alert" className="contradictions">
        {numbering.cycle && (
          <p className="problem">
            These hide each other in a circle:{" "}
            {[...numbering.cycle, numbering.cycle[0]!].map(nameOf).join(" → ")}. The order is saved once the
            circle is broken.
          </p>
        )}
      </div>
      {numbering.open.length > 0 && (
        <p className="todo">
          No order yet: {numbering.open.map(([a, b]) => `${nameOf(a)} and ${nameOf(b)}`).join(", ")}.
        </p>
      )}
      {byNumber.length > 0 && (
        <p className="todo">
          Only the numbers say:{" "}
          {byNumber.map(([a, b]) => `${nameOf(a!)} in front of ${nameOf(b!)}`).join(", ")}.
        </p>
      )}
      {numbering.apart.map(([front, behind]) => (
        <p key={`${front} ${behind}`} className="todo">
          {nameOf(front)} is said to be in front of {nameOf(behind)}, but they do not overlap.{" "}
          {change && (
            <button type="button" onClick={() => forget(front, behind)}>
              Forget it
            </button>
          )}
        </p>
      ))}
      {several.length === 0 && <p>No two objects overlap.</p>}
      {several.map((members) => (
        <div key={members.join()} className="cluster">
          <NearToFar {...props} members={nearToFar(members, numbering.numbers)} />
          <OrderGraph {...props} members={members} onTurn={change && turn} />
        </div>
      ))}
    </section>
  );
}

function NearToFar<Key extends string | number>(
  props: OrderPanelProps<Key> & { members: readonly Key[] },
): JSX.Element {
  const { members, objects, edges, numbering, chosen, choose, nameOf, colourOf, change } = props;
  const [dragged, setDragged] = useState<Key>();
  /** Before which of the others it would land; past the last one after all. */
  const [gap, setGap] = useState<number>();
  const moveTo = (key: Key, place: number): void => {
    change?.(`order of ${nameOf(key)}`, moveInList(members, key, place, objects, edges));
  };
  const next = (key: Key, step: -1 | 1): number => nextPlace(members, key, step, objects, edges);
  const leave = (): void => {
    setDragged(undefined);
    setGap(undefined);
  };
  const over = (event: DragEvent<HTMLElement>, place: number): void => {
    if (dragged === undefined) return;
    event.preventDefault();
    const { top, height } = event.currentTarget.getBoundingClientRect();
    setGap(event.clientY < top + height / 2 ? place : place + 1);
  };
  const drop = (): void => {
    if (dragged !== undefined && gap !== undefined) {
      const from = members.indexOf(dragged);
      const place = gap > from ? gap - 1 : gap; // its own place is free by then
      if (place !== from) moveTo(dragged, place);
    }
    leave();
  };
  const markOf = (place: number): string => {
    if (gap === place) return " before";
    return gap === members.length && place === members.length - 1 ? " after" : "";
  };
  return (
    <ol
      aria-label="From near to far"
      onDragLeave={(event) =>
        !event.currentTarget.contains(event.relatedTarget as Node | null) && setGap(undefined)
      }
    >
      {members.map((key, place) => (
        <li
          key={key}
          draggable={Boolean(change)}
          onDragStart={() => setDragged(key)}
          onDragOver={(event) => over(event, place)}
          onDrop={drop}
          onDragEnd={leave}
          className={(key === chosen ? "chosen" : "") + (key === dragged ? " dragged" : "") + markOf(place)}
        >
          <span className="swatch" style={{ background: css(colourOf(key)) }} aria-hidden="true" />
          <button type="button" className="plain" onClick={() => choose(key)}>
            {nameOf(key)} <small>{numbering.numbers.get(key) ?? "?"}</small>
          </button>
          {change && (
            <>
              <button
                type="button"
                aria-label={`${nameOf(key)} nearer`}
                disabled={next(key, -1) === place}
                onClick={() => moveTo(key, next(key, -1))}
              >
                ↑
              </button>
              <button
                type="button"
                aria-label={`${nameOf(key)} farther`}
                disabled={next(key, 1) === place}
                onClick={() => moveTo(key, next(key, 1))}
              >
                ↓
              </button>
            </>
          )}
        </li>
      ))}
    </ol>
  );
}
