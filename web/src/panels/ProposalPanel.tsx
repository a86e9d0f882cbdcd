/** What the model proposes, each to be taken or refused. */

import type { JSX } from "react";

import type { Proposal } from "../api/types";

export interface ProposalsAtHand {
  readonly open: readonly Proposal[];
  readonly busy: boolean;
  readonly problem: string | undefined;
  readonly ask: () => void;
  readonly judge: (proposal: Proposal, verdict: "accepted" | "refused") => void;
  /** Takes what is visible as it is, and gives the brush for what is hidden; missing where no masks are drawn. */
  readonly finish?: (proposal: Proposal) => void;
}

interface ProposalPanelProps {
  readonly proposals: ProposalsAtHand;
  readonly nameOf?: (id: number) => string;
  /** The category that a find would get: models know others than the project may have. */
  readonly labelOf?: (label: string) => string;
}

export function ProposalPanel({ proposals, nameOf, labelOf }: ProposalPanelProps): JSX.Element | null {
  const { open, busy, problem, judge, finish } = proposals;
  if (!open.length && !busy && !problem) return null;
  return (
    <section aria-label="Proposals" className="proposals">
      <h2>Proposals</h2>
      {busy && <p role="status">The model is looking at the photo …</p>}
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      <ul>
        {open.map((one) => (
          <li key={one.id}>
            <span>
              {one.object_id && nameOf ? (
                nameOf(one.object_id)
              ) : (
                <>
                  {one.label} <small title="how sure the model is">{one.score.toFixed(2)}</small>
                  {labelOf && labelOf(one.label) !== one.label && <small> as {labelOf(one.label)}</small>}
                </>
              )}
            </span>
            <span className="acts">
              <button type="button" onClick={() => judge(one, "accepted")}>
                Take
              </button>
              {finish && (
                <button
                  type="button"
                  aria-label="Finish the hidden part"
                  title="Finish the hidden part"
                  onClick={() => finish(one)}
                >
                  Finish
                </button>
              )}
              <button type="button" onClick={() => judge(one, "refused")}>
                Refuse
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
