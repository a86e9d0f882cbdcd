/** In words: where an object stands between its annotators, who decided and when. */

import type { JSX } from "react";

import type { Consensus } from "../api/types";

interface StandingProps {
  readonly consensus: Consensus;
  /** That of the project: a decision may be of an earlier one. */
  readonly stage: number;
}

export function Standing({ consensus, stage }: StandingProps): JSX.Element {
  const { state, settled_at: when } = consensus;
  const at = when && (
    <>
      {" "}
      on <time dateTime={when}>{new Date(when).toLocaleString()}</time>
    </>
  );
  return (
    <>
      <p>
        {stage > 1 && (consensus.stage === 1 ? "First stage, round " : "Second stage, round ")}
        {stage === 1 && "Round "}
        {consensus.round}
        {typeof consensus.agreement === "number" && `, agreement ${consensus.agreement.toFixed(3)}`}
      </p>
      {state === "agreed" && <p>Agreed by the vote{at}.</p>}
      {state === "settled" && (
        <p>
          Settled{consensus.settled_by && ` by ${consensus.settled_by}`}
          {at}: {wordsOf(consensus)}.
        </p>
      )}
      {state === "disputed" && <p>The last round ended without agreement; an expert settles.</p>}
    </>
  );
}

function wordsOf({ choice, amodal, masks }: Consensus): string {
  if (choice === "vote") return "the vote was taken";
  if (choice !== "mask") return "the mask was drawn or came with a file";
  const taken = masks?.find((one) => one.amodal.counts === amodal?.counts);
  return taken?.author ? `the mask of ${taken.author} was taken` : "one of the masks was taken";
}
