/** What is to be seen, and how strongly. */

import type { JSX } from "react";

import type { Look } from "../canvas/paint";

const SWITCHES = [
  ["masks", "Masks"],
  ["hidden", "Hidden parts (hatched)"],
  ["boxes", "Boxes"],
  ["isolate", "Only the chosen object"],
] as const;

export function LookPanel({ look, setLook }: { look: Look; setLook: (look: Look) => void }): JSX.Element {
  return (
    <section aria-label="View" className="look">
      <label>
        Strength of masks
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={look.opacity}
          onChange={(event) => setLook({ ...look, opacity: event.target.valueAsNumber })}
        />
      </label>
      {SWITCHES.map(([name, words]) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={look[name]}
            onChange={(event) => setLook({ ...look, [name]: event.target.checked })}
          />
          {words}
        </label>
      ))}
    </section>
  );
}
