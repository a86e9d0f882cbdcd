/** Seconds spent on each object: counted while it is the chosen one and hands were seen lately. */

const IDLE_MS = 30_000;

export class Clock {
  private readonly spent = new Map<number, number>();
  private chosen: number | undefined;
  private since = 0;
  private seen = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  choose(id: number | undefined): void {
    this.count();
    this.chosen = id;
    this.since = this.seen = this.now();
  }

  /** A pointer moved, a key was pressed. */
  sign(): void {
    const now = this.now();
    if (now - this.seen > IDLE_MS) {
      this.count();
      this.since = now;
    }
    this.seen = now;
  }

  seconds(id: number): number {
    this.count();
    return Math.round((this.spent.get(id) ?? 0) / 100) / 10;
  }

  /** Of every object that was looked at. */
  all(): Record<number, number> {
    return Object.fromEntries([...this.spent.keys()].map((id) => [id, this.seconds(id)]));
  }

  startFrom(id: number, seconds: number): void {
    this.spent.set(id, seconds * 1000);
  }

  private count(): void {
    const now = Math.min(this.now(), this.seen + IDLE_MS);
    if (this.chosen !== undefined && now > this.since) {
      this.spent.set(this.chosen, (this.spent.get(this.chosen) ?? 0) + now - this.since);
      this.since = now;
    }
  }
}
