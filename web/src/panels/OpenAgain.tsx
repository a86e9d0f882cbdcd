/** An object that has its mask: whose word it was, and the way to open it again. */

import type { JSX } from "react";

import { wordsOf } from "../api/client";
import type { ObjectItem } from "../api/types";
import { useReopen } from "../desk/useReopen";

interface OpenAgainProps {
  readonly photo: number;
  readonly item: ObjectItem;
  readonly name: string;
  readonly isExpert: boolean;
  /** Opens it for drawing at once; missing where others draw. */
  readonly onDraw: (() => void) | undefined;
}

export function OpenAgain({ photo, item, name, isExpert, onDraw }: OpenAgainProps): JSX.Element {
  const { consensus } = item;
  const reopen = useReopen(item.id, consensus?.version ?? 0);
  const by = consensus?.settled_by ? ` by ${consensus.settled_by}` : "";
  return (
    <section aria-label="Decision" className="open-again">
      <p>
        {name} is settled{by}.{!consensus?.may_reopen && !isExpert && " The expert can open it again."}
      </p>
      {consensus?.may_reopen && (
        <button
          type="button"
          className="main"
          disabled={reopen.isPending}
          onClick={() => (onDraw ? onDraw() : reopen.mutate())}
        >
          {onDraw ? "Open again" : "Open again for the annotators"}
        </button>
      )}
      {isExpert && <a href={`#/settle/${photo}/${item.id}`}>Masks and decision</a>}
      {reopen.error && (
        <p role="alert" className="problem">
          {wordsOf(reopen.error)}
        </p>
      )}
    </section>
  );
}
