import type { DeadLetter } from './dead-letters.ts';
import type { ReceivedEvent } from './received-event.ts';
import type { Retry } from './retry-queue.ts';
import { retryIdPattern } from './retry-message.ts';

/** Documents have times as ISO 8601 has them without a sign: the years 0 to 9999. */
const timeMinMs = -62_167_219_200_000;
const timeMaxMs = 253_402_300_799_999;

/**
 * The bodies of one retry or letter together: a store reads a document back into memory as a whole.
 */
export const bodiesBytesMax = 128 * 1024 * 1024;

/**
 * Throws when a retry could not be read again from where it is kept, with the field that is at
 * fault. Every retry queue asks before it keeps one: what is refused here is a defect of the
 * caller, and what is kept is never lost to it.
 */
export function refuseUnkeepableRetry(retry: Retry, dueAtMs: number): void {
  const { id, destination, attempts, events, firstDeferredAtMs, notBeforeMs } = retry;
  const fault =
    (retryIdPattern.test(id) ? undefined : 'its id is not of 1 to 64 letters, digits and hyphens') ??
    (destination.isWellFormed() ? undefined : 'its destination has half a character') ??
    faultOfTime('dueAtMs', dueAtMs) ??
    faultOfTime('firstDeferredAtMs', firstDeferredAtMs) ??
    faultOfTime('notBeforeMs', notBeforeMs) ??
    faultOfCount('attempts', attempts) ??
    faultOfEvents(events.map(({ event }) => event));
  if (fault !== undefined) throw new RangeError(`Failed to keep a retry: ${fault}. This is a defect of the caller.`);
}

/**
 * Throws when a letter could not be read again from where it is kept, as `refuseUnkeepableRetry`
 * does.
 */
export function refuseUnkeepableLetter({ event, attempts, givenUpAtMs }: DeadLetter): void {
  const fault = faultOfTime('givenUpAtMs', givenUpAtMs) ?? faultOfCount('attempts', attempts) ?? faultOfEvents([event]);
  if (fault !== undefined)
    throw new RangeError(`Failed to keep a dead letter: ${fault}. This is a defect of the caller.`);
}

function faultOfEvents(events: readonly ReceivedEvent[]): string | undefined {
  let bytes = 0;
  for (const { body, enqueuedAtMs, sequenceNumber } of events) {
    bytes += body.byteLength;
    const fault = faultOfTime('enqueuedAtMs', enqueuedAtMs);
    if (fault !== undefined) return fault;
    if (!Number.isSafeInteger(sequenceNumber)) return 'sequenceNumber is no integer of 53 bits';
  }
  return bytes > bodiesBytesMax ? `its events have more than ${bodiesBytesMax} bytes` : undefined;
}

function faultOfTime(field: string, timeMs: number | undefined): string | undefined {
  if (timeMs === undefined || (timeMs >= timeMinMs && timeMs <= timeMaxMs)) return undefined;
  return `${field} is no time of the years 0 to 9999`;
}

function faultOfCount(field: string, count: number): string | undefined {
  return Number.isSafeInteger(count) && count >= 0 ? undefined : `${field} is no whole number from 0`;
}
