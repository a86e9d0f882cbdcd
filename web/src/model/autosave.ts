/**
 * Saves step by step: asks what the server should be told next, tells it, and goes on until nothing is left.
 * What cannot be sent now is kept and tried again; a conflict stops until somebody decides. A step that the server
 * refuses is put aside, so that it does not hold up the others, until it changes, is tried again or left.
 */

export type SaveState =
  | { readonly kind: "saved" }
  | { readonly kind: "waiting" }
  /** All but what the server would not take as it is now: `message` says what, and what to do. */
  | { readonly kind: "held"; readonly message: string }
  | { readonly kind: "saving" }
  | { readonly kind: "offline"; readonly attempts: number; readonly message?: string | undefined }
  | { readonly kind: "conflict"; readonly step: unknown; readonly current: unknown }
  /** `aside`: what was refused for itself; nothing where all is refused, as after the end of a session. */
  | {
      readonly kind: "refused";
      readonly message: string;
      readonly status: number;
      readonly aside: readonly Aside[];
    };

export interface Aside {
  readonly step: unknown;
  readonly message: string;
  readonly status: number;
}

/** What the server answered with 4xx or 5xx; a request that never arrived is any other error. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly current: unknown = undefined,
    readonly field = "",
  ) {
    super(message);
  }
}

export interface Saving<Step> {
  /** The next step that is not to be skipped; one that is skipped must not hold up those that do not need it. */
  readonly next: (skip: (step: Step) => boolean) => Step | undefined;
  readonly send: (step: Step) => Promise<void>;
  readonly tell: (state: SaveState) => void;
  /** What is no step yet, because the server would not take it as it is now. */
  readonly held?: () => string | undefined;
  /** Whether a refused step is still the same one. */
  readonly same?: (a: Step, b: Step) => boolean;
}

/** Said of one step: not allowed any more, gone, too large, wrong. Another step may fare better. */
const OF_ITSELF: readonly number[] = [400, 403, 404, 413, 422];
const QUIET_MS = 400;
const LONGEST_WAIT_MS = 15_000;

export class Autosave<Step> {
  private state: SaveState = { kind: "saved" };
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The save that is under way. */
  private run: Promise<SaveState> | undefined;
  private attempts = 0;
  private aside: readonly (Aside & { readonly step: Step })[] = [];

  constructor(private readonly saving: Saving<Step>) {}

  get current(): SaveState {
    return this.state;
  }

  /** Something was changed: save once the hand rests. */
  changed(): void {
    if (this.state.kind === "conflict" || this.run) return;
    if (!this.next()) {
      if (this.state.kind !== "offline") this.end();
      return;
    }
    if (this.state.kind !== "offline") this.become({ kind: "waiting" });
    this.wait(QUIET_MS);
  }

  /** Save at once: on leaving, when the network is back, when a conflict is resolved. Gives how it ended. */
  now(): Promise<SaveState> {
    clearTimeout(this.timer);
    if (this.run) return this.run;
    // Deferred by one turn, so that `run` is set before the work ends it.
    const run = Promise.resolve()
      .then(() => this.work())
      .finally(() => {
        if (this.run === run) this.run = undefined; // only where the work broke off
      });
    this.run = run;
    return run;
  }

  /** The same, and what was put aside is tried once more. */
  again(): Promise<SaveState> {
    this.aside = [];
    return this.now();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async work(): Promise<SaveState> {
    for (let step = this.next(); step; step = this.next()) {
      this.become({ kind: "saving" });
      try {
        await this.saving.send(step);
        this.attempts = 0;
      } catch (error) {
        if (!this.putAside(step, error)) return this.failed(step, error);
      }
    }
    return this.end();
  }

  /** What is left is forgotten where it is no longer wanted: undone, changed or left. */
  private next(): Step | undefined {
    const still = new Set<Aside>();
    const next = this.saving.next((step) => {
      const refused = this.aside.find((one) => (this.saving.same ?? sameText)(one.step, step));
      if (refused) still.add(refused);
      return refused !== undefined;
    });
    if (!next) this.aside = this.aside.filter((one) => still.has(one));
    return next;
  }

  private putAside(step: Step, error: unknown): boolean {
    if (!(error instanceof Refusal) || !OF_ITSELF.includes(error.status)) return false;
    this.aside = [...this.aside, { step, message: error.message, status: error.status }];
    return true;
  }

  private end(): SaveState {
    const [first] = this.aside;
    if (first) {
      return this.become({
        kind: "refused",
        message: first.message,
        status: first.status,
        aside: this.aside,
      });
    }
    const held = this.saving.held?.();
    return this.become(held ? { kind: "held", message: held } : { kind: "saved" });
  }

  private failed(step: Step, error: unknown): SaveState {
    if (error instanceof Refusal && error.status < 500 && error.status !== 429) {
      return this.become(
        error.status === 409
          ? { kind: "conflict", step, current: error.current }
          : { kind: "refused", message: error.message, status: error.status, aside: [] },
      );
    }
    this.attempts += 1;
    // Without a message nobody answered; a server in trouble says which.
    const message = error instanceof Refusal ? error.message : undefined;
    this.wait(Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.attempts));
    return this.become({ kind: "offline", attempts: this.attempts, message });
  }

  private wait(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.now(), milliseconds);
  }

  private become(state: SaveState): SaveState {
    if (state.kind !== "saving") this.run = undefined; // over; whoever is told may begin the next one
    this.state = state;
    this.saving.tell(state);
    return state;
  }
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** For whoever drew. */
export function wordsOfSave(state: SaveState): string {
  switch (state.kind) {
    case "saved":
      return "Saved";
    case "waiting":
    case "saving":
      return "Saving …";
    case "offline":
      return state.message
        ? `Not saved yet, will be tried again: ${sentence(state.message)}`
        : "No connection, will be tried again.";
    case "conflict":
      return "Changed elsewhere meanwhile";
    case "held":
    case "refused":
      return `Not saved: ${sentence(state.message)}`;
  }
}

export function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
