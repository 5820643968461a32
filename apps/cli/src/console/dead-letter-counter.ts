import type { DeadLetters } from '@activation-hub/delivery';

/** How long one count may take. */
const countTimeoutMs = 20_000;

/** Counts dead letters by destination again and again, by their names alone. What cannot be counted stays as it was. */
export class DeadLetterCounter {
  readonly #timer: NodeJS.Timeout;
  readonly #letters: Pick<DeadLetters, 'names'>;
  #isCounting = false;
  #counts: ReadonlyMap<string, number> = new Map();

  constructor(letters: Pick<DeadLetters, 'names'>, everyMs: number) {
    this.#letters = letters;
    this.#timer = setInterval(() => void this.count(), everyMs);
    this.#timer.unref();
    void this.count();
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  async count(): Promise<void> {
    if (this.#isCounting) return;
    this.#isCounting = true;
    try {
      const counts = new Map<string, number>();
      for await (const name of this.#letters.names('', AbortSignal.timeout(countTimeoutMs))) {
        const [, destination = ''] = name.split('/');
        counts.set(destination, (counts.get(destination) ?? 0) + 1);
      }
      this.#counts = counts;
    } catch {
      // The next count may reach the storage; whoever opens the dead letters is told why not.
    } finally {
      this.#isCounting = false;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
