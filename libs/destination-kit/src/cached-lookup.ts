import { unlessAborted } from './unless-aborted.ts';

/**
 * What a vendor knows under a name (the id of a list), looked up once and then remembered.
 * Concurrent callers share one lookup; a failure is not remembered. Bounded: the oldest name is
 * forgotten first.
 */
export class CachedLookup<Value> {
  readonly #find: (key: string, signal: AbortSignal) => Promise<Value>;
  readonly #entriesMax: number;
  readonly #found = new Map<string, Promise<Value>>();

  /** `find` is given a signal that is never aborted: its bound is the timeout of its requests. */
  constructor(find: (key: string, signal: AbortSignal) => Promise<Value>, entriesMax = 1000) {
    this.#find = find;
    this.#entriesMax = entriesMax;
  }

  /**
   * Throws what `find` throws, and a `DestinationError` without doubt when the signal is aborted.
   */
  async get(key: string, signal: AbortSignal): Promise<Value> {
    return await unlessAborted(() => this.#found.get(key) ?? this.#begin(key), signal);
  }

  /** The next one asks anew: what was remembered turned out to be wrong. */
  forget(key: string): void {
    this.#found.delete(key);
  }

  #begin(key: string): Promise<Value> {
    const [oldest] = this.#found.keys();
    if (oldest !== undefined && this.#found.size >= this.#entriesMax) this.#found.delete(oldest);
    const finding = this.#find(key, new AbortController().signal).catch((error: unknown) => {
      if (this.#found.get(key) === finding) this.#found.delete(key);
      throw error;
    });
    this.#found.set(key, finding);
    return finding;
  }
}
