import { unlessAborted } from './unless-aborted.ts';

interface Lookup<Value> {
  readonly finding: Promise<Value>;
  /** What was found; absent while it is looked for. */
  value?: Value;
}

/**
 * What a vendor knows under a name (the id of a list), looked up once and then remembered.
 * Concurrent callers share one lookup; a failure is not remembered. Bounded: the oldest name is
 * forgotten first.
 */
export class CachedLookup<Value> {
  readonly #find: (key: string, signal: AbortSignal) => Promise<Value>;
  readonly #entriesMax: number;
  readonly #found = new Map<string, Lookup<Value>>();

  /** `find` is given a signal that is never aborted: its bound is the timeout of its requests. */
  constructor(find: (key: string, signal: AbortSignal) => Promise<Value>, entriesMax = 1000) {
    this.#find = find;
    this.#entriesMax = entriesMax;
  }

  /**
   * Throws what `find` throws, and a `DestinationError` without doubt when the signal is aborted.
   */
  async get(key: string, signal: AbortSignal): Promise<Value> {
    return await unlessAborted(() => (this.#found.get(key) ?? this.#begin(key)).finding, signal);
  }

  /**
   * Gives what there is now, as `wrong` turned out to be gone: one look-up for all who found that
   * out at the same time. Throws as `get` does.
   */
  async getAfter(wrong: Value, key: string, signal: AbortSignal): Promise<Value> {
    const lookup = this.#found.get(key);
    if (lookup !== undefined && 'value' in lookup && lookup.value === wrong) this.forget(key);
    return await this.get(key, signal);
  }

  /** The next one asks anew: what was remembered turned out to be wrong. */
  forget(key: string): void {
    this.#found.delete(key);
  }

  #begin(key: string): Lookup<Value> {
    const [oldest] = this.#found.keys();
    if (oldest !== undefined && this.#found.size >= this.#entriesMax) this.#found.delete(oldest);
    const lookup: Lookup<Value> = { finding: this.#find(key, new AbortController().signal) };
    this.#found.set(key, lookup);
    lookup.finding.then(
      (value) => {
        lookup.value = value;
      },
      () => {
        if (this.#found.get(key) === lookup) this.#found.delete(key);
      },
    );
    return lookup;
  }
}
