import { candidateNames, isUnreadable, readSelected } from '@activation-hub/delivery';
import { isUnreadableRow } from '@activation-hub/membership';
import type { FlowRun } from '@activation-hub/flow-service';
import type { DataStorage } from '../environment/data-storage.ts';

export const hourMs = 3_600_000;

/** What AEP says of one hour; a dataflow has a run per hour in which it was enabled. */
export interface AepHour {
  readonly status: string;
  readonly received: number;
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  readonly failures: readonly { readonly code: string; readonly message: string; readonly count: number }[];
}

/** What our stores say of the events that the hub took in one hour. */
export interface StoreHour {
  /** Rows of the ledger whose newest state came with them, and is settled. */
  readonly settled: number;
  /** Such rows with a request in flight, or in doubt. */
  readonly leased: number;
  readonly deadLetters: number;
  /** Events of which something waits in the retry queue. */
  readonly waiting: number;
}

export interface StoreHours {
  readonly hours: readonly StoreHour[];
  /** There was more than is looked at: the numbers are too low. */
  readonly isCut: boolean;
  /** Dead letters and retries that cannot be read, and are in none of the numbers. */
  readonly unreadable: number;
}

const rowsMax = 200_000;
const lettersMax = 5_000;
const retriesMax = 5_000;

/** The runs of a dataflow by hour; undefined where there is none. */
export function aepHours(runs: readonly FlowRun[], fromMs: number, hours: number): readonly (AepHour | undefined)[] {
  const byHour = new Array<AepHour | undefined>(hours).fill(undefined);
  for (const { metrics } of runs) {
    const startedAtMs = metrics?.durationSummary?.startedAtUTC ?? -1;
    const hour = Math.floor((startedAtMs - fromMs) / hourMs);
    if (!(hour >= 0 && hour < hours)) continue;
    const records = metrics?.recordSummary ?? {};
    const before = byHour[hour];
    const failures = (records.failedInfo ?? []).map(({ code = '', message = '', count = 0 }) => ({
      code,
      message,
      count,
    }));
    byHour[hour] = {
      status: metrics?.statusSummary?.status ?? '',
      received: (before?.received ?? 0) + (records.inputRecordCount ?? 0),
      sent: (before?.sent ?? 0) + (records.outputRecordCount ?? 0),
      skipped: (before?.skipped ?? 0) + (records.skippedRecordCount ?? 0),
      failed: (before?.failed ?? 0) + (records.failedRecordCount ?? 0),
      failures: [...(before?.failures ?? []), ...failures],
    };
  }
  return byHour;
}

/**
 * Looks through ledger, dead letters and retry queue, each up to a bound. Throws what the stores
 * throw.
 */
export async function storeHours(
  { ledger, deadLetters, retryQueue }: DataStorage,
  fromMs: number,
  hours: number,
  signal: AbortSignal,
): Promise<StoreHours> {
  const counts = Array.from({ length: hours }, () => ({ settled: 0, leased: 0, deadLetters: 0, waiting: 0 }));
  const count = (enqueuedAtMs: number, what: keyof StoreHour): void => {
    const hour = counts[Math.floor((enqueuedAtMs - fromMs) / hourMs)];
    if (hour !== undefined) hour[what] += 1;
  };
  let rows = 0;
  let unreadable = 0;
  for await (const row of ledger.rows({}, signal)) {
    if (++rows > rowsMax) break;
    if (isUnreadableRow(row)) {
      unreadable += 1;
      continue;
    }
    const { record } = row;
    count(record.known.enqueuedAtMs, record.rowState.is === 'leased' ? 'leased' : 'settled');
  }
  const period = { fromMs, toMs: fromMs + hours * hourMs - 1 };
  const names = await candidateNames(deadLetters, period, signal);
  for await (const found of readSelected(deadLetters, names.slice(0, lettersMax), period, signal)) {
    if (isUnreadable(found)) unreadable += 1;
    else count(found.letter.event.enqueuedAtMs, 'deadLetters');
  }
  let retries = 0;
  for await (const retry of retryQueue.waiting(signal)) {
    if (++retries > retriesMax) break;
    if (isUnreadable(retry)) unreadable += 1;
    else for (const { event } of retry.events) count(event.enqueuedAtMs, 'waiting');
  }
  return { hours: counts, isCut: rows > rowsMax || names.length > lettersMax || retries > retriesMax, unreadable };
}
