/** How many passing secrets (tokens, keys) are remembered. */
const passingMax = 50;

/** Takes the secrets that it knows out of a text, however they are encoded there. */
export class SecretGuard {
  readonly #lasting: readonly string[];
  readonly #passing = new Map<string, readonly string[]>();

  constructor(lasting: readonly string[]) {
    this.#lasting = lasting.flatMap(encodings);
  }

  /** From now on this value is taken out too; of such values the latest 50 are remembered. */
  add(secret: string): void {
    this.#passing.delete(secret);
    this.#passing.set(secret, encodings(secret));
    for (const oldest of this.#passing.keys()) {
      if (this.#passing.size <= passingMax) break;
      this.#passing.delete(oldest);
    }
  }

  readonly redact = (text: string): string => {
    // The longest first, so that a secret which holds another one leaves no rest behind.
    const longestFirst = [...this.#lasting, ...[...this.#passing.values()].flat()].sort(
      (one, other) => other.length - one.length,
    );
    return longestFirst.reduce((rest, encoding) => rest.replaceAll(encoding, '[secret]'), text);
  };
}

function encodings(secret: string): string[] {
  if (secret === '') return [];
  const json = JSON.stringify(secret).slice(1, -1);
  const form = new URLSearchParams({ secret }).toString().slice('secret='.length);
  return [...new Set([secret, json, json.replaceAll('/', '\\/'), encodeURIComponent(secret), encodeURI(secret), form])];
}
