import { InvalidArgumentError } from 'commander';

/** A parser of a whole number within limits, for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(number >= min && number <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

/** A parser of a number of at least 0, fractions allowed. */
export function rate(text: string): number {
  const number = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(number)) throw new InvalidArgumentError('It must be a number, 0 or more.');
  return number;
}

/** A parser of a port; 0 takes a free one. */
export const port = wholeNumber(0, 65_535);

/** A parser of a duration as the activation file has them, such as `30m`, in milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})(s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('It must be a duration such as 30s, 15m, 4h or 2d.');
  return Number(count) * unitMs[unit as keyof typeof unitMs];
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A parser of a text of one line, not empty, and of at most so many characters. */
export function shortText(charactersMax: number): (text: string) => string {
  return (text) => {
    const isShort = text.trim() !== '' && text.length <= charactersMax && !/\p{Cc}/u.test(text);
    if (isShort) return text.trim();
    throw new InvalidArgumentError(`It must be a line of 1 to ${charactersMax} characters.`);
  };
}

/** A parser of a point in time as ISO 8601 gives it, in epoch milliseconds. */
export function pointInTime(text: string): number {
  const timeMs = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError('It must be a time such as 2026-01-31T12:00:00Z.');
  return timeMs;
}
