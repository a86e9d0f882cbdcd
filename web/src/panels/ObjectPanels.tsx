/** What stands beside every photo: its objects, their order, and how it all is shown. */

import type { JSX } from "react";

import type { Look } from "../canvas/paint";
import type { Edge, Numbering, Placed } from "../model/order";
import type { Colour } from "../model/palette";
import { LookPanel } from "./LookPanel";
import { ObjectList } from "./ObjectList";
import { OrderPanel } from "./OrderPanel";

interface ObjectPanelsProps<Key> {
  readonly objects: readonly Placed<Key>[];
  /** Those that may be chosen, as the list shows them; all where it is missing. */
  readonly listed?: readonly Key[];
  readonly edges: readonly Edge<Key>[];
  readonly numbering: Numbering<Key>;
  readonly chosen: Key | undefined;
  readonly choose: (key: Key) => void;
  readonly nameOf: (key: Key) => string;
  readonly colourOf: (key: Key) => Colour;
  readonly detailOf: (key: Key) => string;
  /** Missing where the order is only shown. */
  readonly change?: (label: string, edges: readonly Edge<Key>[]) => void;
  readonly look: Look;
  readonly setLook: (look: Look) => void;
}

export function ObjectPanels<Key extends string | number>(props: ObjectPanelsProps<Key>): JSX.Element {
  const { objects, chosen, choose, nameOf, colourOf, detailOf } = props;
  const listed = props.listed ?? objects.map((one) => one.key);
  const rows = listed.map((key) => ({
    key,
    name: nameOf(key),
    colour: colourOf(key),
    detail: detailOf(key),
  }));
  return (
    <>
      <ObjectList rows={rows} chosen={chosen} choose={choose} />
      <OrderPanel {...props} />
      <LookPanel look={props.look} setLook={props.setLook} />
    </>
  );
}
