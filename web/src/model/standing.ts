/** How far an object is between its annotators. */

interface Standing {
  readonly state: "open" | "agreed" | "disputed" | "settled";
}

/** Whether it has its mask, by the vote or by the expert. */
export function isSettled(consensus: Standing | null | undefined): boolean {
  return consensus?.state === "agreed" || consensus?.state === "settled";
}
