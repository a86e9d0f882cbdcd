/** The list is long: how much of it is shown, and a way to the rest. */

import type { JSX } from "react";

export const FIRST = 50;
const MOST = 500; // that the server lists at once

export function More({
  shown,
  total,
  show,
}: {
  shown: number;
  total: number;
  show: (limit: number) => void;
}): JSX.Element {
  if (shown >= total) return <></>;
  return (
    <p>
      {shown} of {total}.{" "}
      <button type="button" disabled={shown >= MOST} onClick={() => show(Math.min(MOST, shown * 2))}>
        Show more
      </button>
    </p>
  );
}
