/** What the model proposes, each to be taken or refused. */

import type { JSX } from "react";

import type { Proposal } from "../api/types";
import type { Colour } from "../model/palette";
import { css } from "../model/palette";

export interface ProposalsAtHand {
  readonly open: readonly Proposal[];
  readonly busy: boolean;
  readonly problem: string | undefined;
  /** What an answer without anything to take means. */
  readonly note?: string | undefined;
  readonly ask: () => void;
  readonly judge: (proposal: Proposal, verdict: "accepted" | "refused") => void;
  /** Takes what is visible as it is, and gives the brush for what is hidden; missing where no masks are drawn. */
  readonly finish?: (proposal: Proposal) => void;
}

interface ProposalPanelProps {
  readonly proposals: ProposalsAtHand;
  /** What a proposal is called on the photo too. */
  readonly nameOf: (proposal: Proposal) => string;
  /** Where the photo shows finds in colours of their own. */
  readonly colourOf?: (proposal: Proposal) => Colour;
  /** The one that the photo shows stronger than the others. */
  readonly marked?: number | undefined;
  readonly mark?: (id: number | undefined) => void;
  /** The category that a find would get: models know others than the project may have. */
  readonly labelOf?: (label: string) => string;
}

export function ProposalPanel(props: ProposalPanelProps): JSX.Element | null {
  const { nameOf, colourOf, labelOf, marked, mark } = props;
  const { open, busy, problem, note, judge, finish } = props.proposals;
  if (!open.length && !busy && !problem && !note) return null;
  return (
    <section aria-label="Proposals" className="proposals">
      <h2>Proposals</h2>
      <p role="status">{busy ? "The model is looking at the photo …" : note}</p>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      <ul>
        {open.map((one) => (
          <li
            key={one.id}
            className={one.id === marked ? "chosen" : ""}
            aria-current={one.id === marked || undefined}
            onPointerEnter={() => mark?.(one.id)}
            onPointerLeave={() => mark?.(undefined)}
            onFocus={() => mark?.(one.id)}
            onBlur={() => mark?.(undefined)}
          >
            {colourOf && (
              <span className="swatch" style={{ background: css(colourOf(one)) }} aria-hidden="true" />
            )}
            <span className="name">
              {nameOf(one)}
              {one.object_id === null && (
                <>
                  {" "}
                  <small title="how sure the model is">{one.score.toFixed(2)}</small>
                  {labelOf && labelOf(one.label) !== one.label && <small> as {labelOf(one.label)}</small>}
                </>
              )}
            </span>
            <span className="acts">
              <button type="button" aria-label={`Take ${nameOf(one)}`} onClick={() => judge(one, "accepted")}>
                Take
              </button>
              {finish && (
                <button
                  type="button"
                  aria-label={`Finish the hidden part of ${nameOf(one)}`}
                  title="Finish the hidden part"
                  onClick={() => finish(one)}
                >
                  Finish
                </button>
              )}
              <button
                type="button"
                aria-label={`Refuse ${nameOf(one)}`}
                onClick={() => judge(one, "refused")}
              >
                Refuse
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
