import { deadLetterName, type DeadLetter, type DeadLetters } from './dead-letters.ts';
import { refuseUnkeepableLetter } from './keepable.ts';

/** Dead letters that live as long as the process: for tests, benchmarks and dry runs. Unbounded. */
export class InMemoryDeadLetters implements DeadLetters {
  readonly #letters = new Map<string, DeadLetter>();

  /** By name. */
  get letters(): ReadonlyMap<string, DeadLetter> {
    return this.#letters;
  }

  async put(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    for (const letter of letters) refuseUnkeepableLetter(letter);
    for (const letter of letters) this.#letters.set(deadLetterName(letter), letter);
  }

  async *names(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    for (const name of [...this.#letters.keys()].sort()) {
      signal.throwIfAborted();
      if (name.startsWith(prefix)) yield await Promise.resolve(name);
    }
  }

  read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return Promise.resolve(this.#letters.get(name));
  }

  remove(name: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#letters.delete(name);
    return Promise.resolve();
  }
  async edit(name: string, edited: (letter: DeadLetter) => DeadLetter | undefined, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    const letter = this.#letters.get(name);
    if (letter === undefined) return;
    const next = edited(letter);
    if (next === undefined) return this.remove(name, signal);
    refuseUnkeepableLetter(next);
    this.#letters.set(name, next);
  }
}
