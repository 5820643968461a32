/** A source of numbers in [0, 1), as `Math.random`. */
export type Random = () => number;

/**
 * Numbers that depend on the seed alone (mulberry32): the same seed gives the same events for ever.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number from 0 up to, and without, `end`. */
export function wholeNumber(random: Random, end: number): number {
  return Math.floor(random() * end);
}

/** One of the choices. Throws a RangeError when there is none. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  if (choices.length === 0) throw new RangeError('Failed to pick: there is no choice. Give at least one.');
  return choices[wholeNumber(random, choices.length)] as T;
}

export function digits(random: Random, length: number): string {
  return Array.from({ length }, () => wholeNumber(random, 10)).join('');
}

export function hexDigits(random: Random, length: number): string {
  return Array.from({ length }, () => wholeNumber(random, 16).toString(16)).join('');
}

/** A version 4 UUID, in which form AEP gives the ids of its own audiences. */
export function randomUuid(random: Random): string {
  const variant = pick(random, ['8', '9', 'a', 'b']);
  return `${hexDigits(random, 8)}-${hexDigits(random, 4)}-4${hexDigits(random, 3)}-${variant}${hexDigits(random, 3)}-${hexDigits(random, 12)}`;
}
