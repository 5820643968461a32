import type { DeadLetters } from '@activation-hub/delivery';
import { existing } from '../environment/existing.ts';

/** How long one count may take. */
const countTimeoutMs = 20_000;

/** Counts dead letters by destination, by their names alone. Throws what the store throws. */
export async function countDeadLetters(
  letters: Pick<DeadLetters, 'names'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const name of existing(letters.names('', signal))) {
    const [, destination = ''] = name.split('/');
    counts.set(destination, (counts.get(destination) ?? 0) + 1);
  }
  return counts;
}

/** Counts dead letters by destination again and again. What cannot be counted stays as it was. */
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
      this.#counts = await countDeadLetters(this.#letters, AbortSignal.timeout(countTimeoutMs));
    } catch {
      // The next count may reach the storage; the page of the dead letters says why this one did
      // not.
    } finally {
      this.#isCounting = false;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
