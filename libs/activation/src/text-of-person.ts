import { isUtf8 } from 'node:buffer';

/** How often a text is unescaped: JSON in a JSON string of a JSON string has three levels. */
const levelsMax = 8;

/**
 * The values of a person's identities, as they may be spelled in a text that cannot be read as
 * JSON.
 */
export class PersonText {
  readonly #values: ReadonlySet<string>;

  constructor(values: readonly string[]) {
    this.#values = new Set(values.map(folded).filter((value) => value !== ''));
  }

  /** Whether a whole string, or the digits of a number, are one of the values. */
  is(text: string): boolean {
    return this.#values.has(folded(text));
  }

  /**
   * Whether one of the values stands in the text as a word of its own, in any spelling: with the
   * escapes of JSON or of addresses, also several times over, as for JSON in a string. So does a
   * text that is escaped more often than anybody escapes.
   */
  isIn(text: string): boolean {
    let spelled = folded(text);
    for (let level = 0; level < levelsMax; level += 1) {
      if (this.#isWordIn(spelled)) return true;
      const next = folded(unescaped(spelled));
      if (next === spelled) return false;
      spelled = next;
    }
    return true;
  }

  /**
   * Whether bytes that are no JSON hold one of the values, in whatever encoding they are, or end
   * within one.
   */
  isInBytes(body: Uint8Array): boolean {
    return textsOf(Buffer.from(body)).some((text) => this.isIn(text) || this.#isCutOffIn(text));
  }

  #isWordIn(text: string): boolean {
    for (const value of this.#values) {
      for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
        if (!isLetter(text, at - 1) && !isLetter(text, at + value.length)) return true;
      }
    }
    return false;
  }

  /** Whether the text ends in a string that is the beginning of a value. */
  #isCutOffIn(text: string): boolean {
    const begun = lastString(text);
    if (begun === undefined) return false;
    const whole = folded(unescaped(begun.replace(/\\(?:u[0-9a-fA-F]{0,3})?$/, '')));
    return whole !== '' && [...this.#values].some((value) => value.startsWith(whole));
  }
}

/** Whether bytes are text of some encoding, so that a search in them says something. */
export function isSearchable(body: Uint8Array): boolean {
  if (isUtf8(body)) return true;
  // No text has control characters but those of lines; in UTF-16 every other byte of a Latin letter
  // is zero.
  const bytes = body.filter((byte) => byte !== 0);
  const isControl = (byte: number): boolean =>
    byte < 0x09 || (byte > 0x0d && byte < 0x20) || (byte > 0x7e && byte < 0xa0);
  return (bytes.length === body.length || bytes.length < body.length * 0.8) && !bytes.some(isControl);
}

/**
 * The bytes as text in every encoding that JSON has been seen in. Without zero bytes UTF-16 reads
 * as Latin-1 does, wherever it begins.
 */
function textsOf(body: Buffer): readonly string[] {
  if (isUtf8(body) && !body.includes(0)) return [body.toString()];
  const even = body.subarray(0, body.length - (body.length % 2));
  return [
    body.toString(),
    Buffer.from(body.filter((byte) => byte !== 0)).toString('latin1'),
    even.toString('utf16le'),
    Buffer.from(even).swap16().toString('utf16le'),
  ];
}

/** E-mail addresses are the same in any case; letters may be composed or not. */
function folded(text: string): string {
  return text.toLowerCase().normalize('NFC');
}

/** One level of escapes undone: of JSON, and those of addresses that are whole. */
function unescaped(text: string): string {
  return text
    .replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, character: string) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      return /[bfnrt]/.test(character) ? ' ' : character;
    })
    .replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (bytes) => {
      const decoded = Buffer.from(bytes.replaceAll('%', ''), 'hex');
      return isUtf8(decoded) ? decoded.toString() : bytes;
    });
}

/**
 * The string in which the text ends, without its opening quote; undefined when the last one has a
 * closing one.
 */
function lastString(text: string): string | undefined {
  let start: number | undefined;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\' && start !== undefined) at += 1;
    else if (text[at] === '"') start = start === undefined ? at + 1 : undefined;
  }
  return start === undefined ? undefined : text.slice(start);
}

function isLetter(text: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(text[at] ?? '');
}
