import { attributeAt, readProfileExports, type JsonObject } from '@activation-hub/audience-events';
import { mappedAttributes } from './chaos-file.ts';

/** Shorter values, such as `y`, are words of any log. */
const leastCharacters = 3;

/**
 * Looks in what the hosts printed for anything that was put in: identity values, values of mapped
 * attributes, secrets. Values of one word are looked up word by word, so that a hundred thousand of
 * them cost a line no more than one; the others are few.
 */
export class LeakScan {
  readonly #words = new Set<string>();
  readonly #phrases = new Set<string>();
  #lines = 0;
  #leaks = 0;

  get lines(): number {
    return this.#lines;
  }

  /** Lines in which something was found. */
  get leaks(): number {
    return this.#leaks;
  }

  addExport(body: JsonObject): void {
    for (const { identities } of readProfileExports(Buffer.from(JSON.stringify(body))).exports) {
      for (const values of identities.values()) for (const value of values) this.add(value);
    }
    for (const path of Object.values(mappedAttributes)) {
      const value = attributeAt(body, path.split('.'));
      if (typeof value === 'string') this.add(value);
    }
  }

  add(value: string): void {
    if (value.length < leastCharacters) return;
    const [word, ...parts] = wordsOf(value);
    if (word === value && parts.length === 0) this.#words.add(value);
    else this.#phrases.add(value);
  }

  scan(line: string): void {
    this.#lines += 1;
    if (this.finds(line)) this.#leaks += 1;
  }

  /** Whether the line holds a value that was put in, also one inside of quotes, URLs and JSON. */
  finds(line: string): boolean {
    const text = line.includes('\\') || line.includes('%') ? `${line} ${unescaped(line)}` : line;
    for (const word of wordsOf(text)) if (this.#words.has(word)) return true;
    for (const phrase of this.#phrases) if (text.includes(phrase)) return true;
    return false;
  }

  /**
   * The control: a value of every form that was put in is found in lines such as a careless handler
   * would print.
   */
  controlFinds(): boolean {
    const samples = [[...this.#words][0], [...this.#words].at(-1), [...this.#phrases][0]].filter(
      (each) => each !== undefined,
    );
    const careless = (value: string): string[] => [
      JSON.stringify({ level: 'error', message: `Failed to tell "${value}".` }),
      JSON.stringify({ message: JSON.stringify({ identity: { value } }) }),
      `POST http://127.0.0.1/?person=${encodeURIComponent(value)}&x=1`,
    ];
    return samples.length >= 2 && samples.flatMap(careless).every((line) => this.finds(line));
  }
}

/**
 * Words as identities, addresses and secrets are made of; a full stop at the end is the sentence's.
 */
function wordsOf(line: string): readonly string[] {
  return (line.match(/[\p{L}\p{N}@._+/=-]+/gu) ?? []).flatMap((word) => {
    const bare = word.replace(/[.]+$/, '');
    return bare.includes('=') || bare.includes('/') ? [bare, ...bare.split(/[=/]/)] : [bare];
  });
}

function unescaped(line: string): string {
  const plain = line
    .replaceAll(/\\+(["nrt/])/g, ' ')
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return plain.replaceAll(/(?:%[0-9a-f]{2})+/gi, (coded) => {
    try {
      return decodeURIComponent(coded);
    } catch {
      return coded;
    }
  });
}
