/**
 * Saves step by step: asks what the server should be told next, tells it, and goes on until nothing is left.
 * What cannot be sent now is kept and tried again; a conflict or a refusal stops until somebody decides.
 */

export type SaveState =
  | { readonly kind: "saved" }
  | { readonly kind: "waiting" }
  | { readonly kind: "saving" }
  | { readonly kind: "offline"; readonly attempts: number; readonly message?: string | undefined }
  | { readonly kind: "conflict"; readonly step: unknown; readonly current: unknown }
  | { readonly kind: "refused"; readonly message: string; readonly status: number };

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
  readonly next: () => Step | undefined;
  readonly send: (step: Step) => Promise<void>;
  readonly tell: (state: SaveState) => void;
}

const QUIET_MS = 400;
const LONGEST_WAIT_MS = 15_000;

export class Autosave<Step> {
  private state: SaveState = { kind: "saved" };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private attempts = 0;

  constructor(private readonly saving: Saving<Step>) {}

  get current(): SaveState {
    return this.state;
  }

  /** Something was changed: save once the hand rests. */
  changed(): void {
    if (this.state.kind === "conflict" || this.running) return;
    if (!this.saving.next()) {
      if (this.state.kind !== "offline") this.become({ kind: "saved" });
      return;
    }
    if (this.state.kind !== "offline") this.become({ kind: "waiting" });
    this.wait(QUIET_MS);
  }

  /** Save at once: on leaving, when the network is back, when a conflict is resolved. */
  async now(): Promise<void> {
    clearTimeout(this.timer);
    if (this.running) return;
    this.running = true;
    try {
      await this.work();
    } finally {
      this.running = false;
    }
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async work(): Promise<void> {
    for (let step = this.saving.next(); step; step = this.saving.next()) {
      this.become({ kind: "saving" });
      try {
        await this.saving.send(step);
        this.attempts = 0;
      } catch (error) {
        this.failed(step, error);
        return;
      }
    }
    this.become({ kind: "saved" });
  }

  private failed(step: Step, error: unknown): void {
    if (error instanceof Refusal && error.status < 500 && error.status !== 429) {
      this.become(
        error.status === 409
          ? { kind: "conflict", step, current: error.current }
          : { kind: "refused", message: error.message, status: error.status },
      );
      return;
    }
    this.attempts += 1;
    // Without a message nobody answered; a server in trouble says which.
    const message = error instanceof Refusal ? error.message : undefined;
    this.become({ kind: "offline", attempts: this.attempts, message });
    this.wait(Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.attempts));
  }

  private wait(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.now(), milliseconds);
  }

  private become(state: SaveState): void {
    this.state = state;
    this.saving.tell(state);
  }
}
