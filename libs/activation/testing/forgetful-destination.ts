import type { Change } from '@activation-hub/destination-kit';
import { RecordingDestination } from './recording-destination.ts';

/** A third party that forgets every member of whom it was not told for a while. */
export class ForgetfulDestination extends RecordingDestination {
  readonly #toldAtMs = new Map<string, number>();
  readonly #lifeMs: number;
  readonly #now: () => number;

  constructor(lifeDays: number, now: () => number) {
    super();
    this.#lifeMs = lifeDays * 86_400_000;
    this.#now = now;
  }

  override take(change: Change): void {
    super.take(change);
    this.#toldAtMs.set(`${this.audienceOf(change)} ${change.identity.value}`, this.#now());
  }

  /** Who is still in it: keys of `members`. */
  get remembered(): readonly string[] {
    for (const [key, atMs] of this.#toldAtMs) {
      if (this.#now() < atMs + this.#lifeMs) continue;
      this.#toldAtMs.delete(key);
      this.members.delete(key);
    }
    return [...this.members.keys()].sort();
  }
}
