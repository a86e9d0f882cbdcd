/** What is not saved yet lies in the browser too, so that a reload in the middle of a drawing loses nothing. */

export interface Place {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const FORMAT = 1;

/** `owner`: a person in a project, as `ownerOf` names it. */
export function draftKey(owner: string, pass: string, photo: number): string {
  return `amodal/${owner}/${pass}/${photo}`;
}

/** False where the browser would not keep it (full, or forbidden): then only the server has it. */
export function keepDraft(place: Place, key: string, draft: unknown): boolean {
  try {
    place.setItem(key, JSON.stringify({ format: FORMAT, draft }));
    return true;
  } catch {
    return false;
  }
}

export function readDraft<Draft>(place: Place, key: string): Draft | undefined {
  try {
    const text = place.getItem(key);
    if (text === null) return undefined;
    const kept = JSON.parse(text) as { format?: number; draft?: Draft };
    return kept.format === FORMAT ? kept.draft : undefined;
  } catch {
    return undefined;
  }
}

export function dropDraft(place: Place, key: string): void {
  try {
    place.removeItem(key);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}
