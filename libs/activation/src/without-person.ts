import { readProfileExports, type JsonValue } from '@activation-hub/audience-events';
import { identityText, type Identity } from '@activation-hub/membership';

/**
 * The body of an event without the exports of a person: the very same bytes when it holds none, undefined when nothing else
 * is left. Of several exports in one body the others stay, written anew as JSON.
 *
 * An export is the person's when it has one of the identities in its namespace, or one of their values anywhere in an identity map
 * that cannot be read whole. What cannot be read is taken for the person's when a value stands in it as a JSON string, in any
 * spelling: nobody will ever be told of it, and it must not outlive the person. E-mail addresses are the same in any case.
 */
export function withoutPerson(body: Uint8Array, identities: readonly Identity[]): Uint8Array | undefined {
  const person = new Person(identities);
  const { exports, refusals } = readProfileExports(body);
  const held = exports.filter(
    (each) =>
      person.hasOneOf(each.identities) ||
      (each.unreadableIdentities.size > 0 && person.isNamedIn(each.body.identityMap ?? null)),
  );
  if (held.length === 0 && refusals.length === 0) return body;
  const value = parse(body);
  if (!isArray(value)) {
    if (held.length > 0) return undefined;
    return (value === undefined ? person.isNamedInText(body) : person.isNamedIn(value)) ? undefined : body;
  }
  const readable = new Set(exports.map(({ path }) => path));
  const own = new Set(held.map(({ path }) => path));
  const others = value.filter((element, index) => {
    const path = `$[${index}]`;
    return readable.has(path) ? !own.has(path) : !person.isNamedIn(element);
  });
  if (others.length === value.length) return body;
  return others.length === 0 ? undefined : Buffer.from(jsonOf(others));
}

class Person {
  readonly #texts: ReadonlySet<string>;
  readonly #values: ReadonlySet<string>;

  constructor(identities: readonly Identity[]) {
    this.#texts = new Set(identities.map((each) => identityText(folded(each))));
    this.#values = new Set(identities.map(({ value }) => value.toLowerCase()));
  }

  hasOneOf(identities: ReadonlyMap<string, readonly string[]>): boolean {
    for (const [namespace, values] of identities)
      if (values.some((value) => this.#texts.has(identityText(folded({ namespace, value }))))) return true;
    return false;
  }

  /** Looks at every string, number and key, without recursion: a body may be nested deeper than a stack. */
  isNamedIn(value: JsonValue): boolean {
    const open: JsonValue[] = [value];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (typeof next === 'object' && next !== null) {
        for (const [key, inner] of Object.entries<JsonValue>(next)) {
          if (this.#values.has(key.toLowerCase())) return true;
          open.push(inner);
        }
      } else if (this.#values.has(String(next).toLowerCase())) return true;
    }
    return false;
  }

  /** Of what is not JSON, every string that a reader would see in it: between quotes, with its escapes undone. */
  isNamedInText(body: Uint8Array): boolean {
    const text = Buffer.from(body).toString();
    return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].some(([, inner = '']) =>
      this.#values.has(unescaped(inner).toLowerCase()),
    );
  }
}

/** E-mail addresses are the same in any case, here and at those who store them in lower case. */
function folded({ namespace, value }: Identity): Identity {
  return { namespace, value: namespace.startsWith('email') ? value.toLowerCase() : value };
}

function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|(.))/gs,
    (_, code: string | undefined, character: string | undefined) =>
      code === undefined ? (character ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function parse(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(
      Buffer.from(body)
        .toString()
        .replace(/^\uFEFF/, ''),
    ) as JsonValue;
  } catch {
    // The parser's message quotes the body.
    return undefined;
  }
}

/** `JSON.stringify` without recursion: what another person's export is nested in must not stop an erasure. */
function jsonOf(value: JsonValue): string {
  const pieces: string[] = [];
  const open: ({ readonly piece: string } | { readonly value: JsonValue })[] = [{ value }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ('piece' in next) pieces.push(next.piece);
    else if (typeof next.value !== 'object' || next.value === null) pieces.push(JSON.stringify(next.value));
    else {
      const isList = Array.isArray(next.value);
      const inner = Object.entries<JsonValue>(next.value);
      pieces.push(isList ? '[' : '{');
      open.push({ piece: isList ? ']' : '}' });
      for (const [index, [key, each]] of [...inner.entries()].reverse()) {
        open.push({ value: each }, { piece: `${index === 0 ? '' : ','}${isList ? '' : `${JSON.stringify(key)}:`}` });
      }
    }
  }
  return pieces.join('');
}
