import { timeSpellings, type TimeSpelling } from '@activation-hub/audience-events/testing';

/** A state of one profile in one audience. */
export interface TimedStatus {
  readonly status: 'realized' | 'exited';
  readonly qualifiedAtMs: number;
}

/** One of AEP's five spellings that loses nothing of this time. */
export function spellingOf(timeMs: number, salt: number): TimeSpelling {
  const exact = timeMs % 1000 === 0 ? timeSpellings : (['milliseconds-offset', 'microseconds-z'] as const);
  return exact[(Math.floor(timeMs / 1000) + salt) % exact.length] ?? 'microseconds-z';
}
