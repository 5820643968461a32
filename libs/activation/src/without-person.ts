import { readProfileExports, type JsonValue, type ProfileExport } from '@activation-hub/audience-events';
import { identityText, type Identity } from '@activation-hub/membership';
import { PersonText } from './text-of-person.ts';

/**
 * The body of an event without the exports of a person: the very same bytes when it holds none,
 * undefined when nothing else is left. Of several exports in one body the others stay, written anew
 * as JSON.
 *
 * An export is the person's when it has one of the identities in its namespace, or one of their
 * values anywhere in an identity map that cannot be read whole. What cannot be read is taken for
 * the person's when a value stands in it in any spelling, encoding or nesting, or when it ends
 * within one: no destination will ever be told of it, and it must not outlive the person. What
 * another export hides of the person, under a key that comes twice, is left out of it. E-mail
 * addresses are the same in any case.
 */
export function withoutPerson(body: Uint8Array, identities: readonly Identity[]): Uint8Array | undefined {
  const person = new Person(identities);
  const value = parse(body);
  if (value === undefined) return person.text.isInBytes(body) ? undefined : body;
  const { exports } = readProfileExports(body);
  const read = new Map(exports.map((each) => [each.path, each]));
  const named = namesByElement(Buffer.from(body).toString(), person.text);
  const judged = (isArray(value) ? value : [value]).map((element, index) => {
    const profileExport = read.get(isArray(value) ? `$[${index}]` : '$');
    const isHidden = (named[index] ?? 0) > person.countIn(element);
    const isPersons =
      profileExport === undefined ? isHidden || person.isNamedIn(element) : person.owns(profileExport, isHidden);
    return { element, isPersons, isHidden };
  });
  const left = judged.filter(({ isPersons }) => !isPersons);
  if (left.length === judged.length && !left.some(({ isHidden }) => isHidden)) return body;
  if (left.length === 0) return undefined;
  const others = left.map(({ element }) => element);
  return Buffer.from(jsonOf(isArray(value) ? others : (others[0] ?? null)));
}

export { isSearchable } from './text-of-person.ts';

class Person {
  readonly text: PersonText;
  readonly #texts: ReadonlySet<string>;

  constructor(identities: readonly Identity[]) {
    this.#texts = new Set(identities.map((each) => identityText(folded(each))));
    this.text = new PersonText(identities.map(({ value }) => value));
  }

  /**
   * Whether an export is the person's. `isHidden` when its text names the person more often than
   * what was read of it.
   */
  owns({ identities, unreadableIdentities, body }: ProfileExport, isHidden: boolean): boolean {
    for (const [namespace, values] of identities)
      if (values.some((value) => this.#texts.has(identityText(folded({ namespace, value }))))) return true;
    // A number that has more digits than one that is read can be an identity, and is none that was
    // read.
    return unreadableIdentities.size > 0 && (isHidden || this.isNamedIn(body.identityMap ?? null));
  }

  /** Whether the person is named anywhere, also within a longer string. */
  isNamedIn(value: JsonValue): boolean {
    for (const word of wordsOf(value)) if (this.text.is(word) || this.text.isIn(word)) return true;
    return false;
  }

  /** How many strings, numbers and keys are one of the values. */
  countIn(value: JsonValue): number {
    let count = 0;
    for (const word of wordsOf(value)) if (this.text.is(word)) count += 1;
    return count;
  }
}

/** Every string, number and key, without recursion: a body may be nested deeper than a stack. */
function* wordsOf(value: JsonValue): Generator<string> {
  const open: JsonValue[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) {
      yield String(next);
      continue;
    }
    for (const [key, inner] of Object.entries<JsonValue>(next)) {
      if (!isArray(next)) yield key;
      open.push(inner);
    }
  }
}

/**
 * How often the text of valid JSON names the person, by element of its list; what is no list has
 * one. Unlike what is read of it, it has what another key of the same name hides, and every digit
 * of a number.
 */
function namesByElement(text: string, person: PersonText): readonly number[] {
  const counts: number[] = [];
  let element = 0;
  let depth = 0;
  const isList = /^[\s\uFEFF]*\[/.test(text);
  const token = /"|[[\]{},]|[-\d][-+.\deE]*|true|false|null/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    let [word] = match;
    if (word === '[' || word === '{') depth += 1;
    else if (word === ']' || word === '}') depth -= 1;
    else if (word === ',') element += isList && depth === 1 ? 1 : 0;
    else {
      if (word === '"') {
        const end = endOfString(text, token.lastIndex);
        word = JSON.parse(text.slice(match.index, end)) as string;
        token.lastIndex = end;
      }
      if (person.is(word)) counts[element] = (counts[element] ?? 0) + 1;
    }
  }
  return counts;
}

/** Where a string ends that begins there, after its opening quote. */
function endOfString(text: string, start: number): number {
  let at = start;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** E-mail addresses are the same in any case, here and at those who store them in lower case. */
function folded({ namespace, value }: Identity): Identity {
  return { namespace, value: namespace.startsWith('email') ? value.toLowerCase() : value };
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

/**
 * `JSON.stringify` without recursion: what another person's export is nested in must not stop an
 * erasure.
 */
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
