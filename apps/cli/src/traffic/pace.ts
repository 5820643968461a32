import type { Clock } from '@activation-hub/delivery';

export interface PaceOptions {
  /** Items per second on average; 0 for as fast as they are taken. */
  readonly rate: number;
  /** Ends after so many items. */
  readonly count: number;
  /** Items handed out at once, at most. */
  readonly batchMax: number;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
}

const tickMs = 100;

/**
 * Says how many items are due now, until `count` have been or the signal aborts. Who takes longer
 * than the rate allows gets what is missing at once, but never more than one second's worth: a
 * pause is not made up for by a flood.
 */
export async function* pace({ rate, count, batchMax, signal, clock }: PaceOptions): AsyncGenerator<number> {
  let given = 0;
  let owed = 0;
  let last = clock.now();
  while (given < count && !signal.aborted) {
    const now = clock.now();
    owed = rate === 0 ? batchMax : Math.min(owed + ((now - last) / 1000) * rate, Math.max(rate, 1));
    last = now;
    const due = Math.min(Math.floor(owed), batchMax, count - given);
    if (due < 1) {
      await clock.sleep(Math.max(tickMs, ((1 - owed) / rate) * 1000), signal);
      continue;
    }
    owed -= due;
    given += due;
    yield due;
  }
}
