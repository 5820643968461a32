import type { JsonValue } from '@activation-hub/audience-events';
import type { Delivery } from './destination.ts';
import type { Secret } from './secret.ts';

/** Gives `text` when it is fit for a log, else `fallback`. */
export type ReasonGuard = (text: unknown, fallback: string) => string;

const fit = /^[A-Za-z0-9 _.,:-]{1,100}$/;

/**
 * Makes the filter through which a vendor's words pass into a verdict. Vendors echo what they were
 * sent, so a text is kept only if it is short and plain and holds none of the batch's identities
 * and attribute values, earlier ones too, and none of the secrets: not whole, not written with
 * other punctuation (a phone number), and not a word of them.
 */
export function createReasonGuard(deliveries: readonly Delivery[], secrets: readonly Secret[] = []): ReasonGuard {
  let forbidden: { readonly words: ReadonlySet<string>; readonly runs: readonly string[] } | undefined;
  return (text, fallback) => {
    if (typeof text !== 'string' || !fit.test(text)) return fallback;
    // Most answers carry no reason at all, so the values of the batch are gathered when the first
    // one comes.
    forbidden ??= gather(deliveries, secrets);
    const { words, runs } = forbidden;
    const run = letters(text);
    const leaks = wordsOf(text).some((word) => words.has(word)) || runs.some((value) => run.includes(value));
    return leaks ? fallback : text;
  };
}

function gather(deliveries: readonly Delivery[], secrets: readonly Secret[]) {
  const values = [
    ...deliveries.flatMap(({ change: { identity, attributes, previousAttributes = {} } }) => [
      identity.value,
      ...[attributes, previousAttributes].flatMap((of) => Object.values(of).flatMap(texts)),
    ]),
    ...secrets.map((secret) => secret.reveal()),
  ];
  return {
    words: new Set(values.flatMap(wordsOf)),
    // A shorter one would be found inside innocent words; those are compared as whole words.
    runs: [...new Set(values.map(letters))].filter((run) => run.length >= 4),
  };
}

function texts(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value as object).flatMap(texts) : [];
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const letters = (text: string): string => wordsOf(text).join('');
