import type { ReceivedEvent } from '@activation-hub/activation';

/**
 * When Event Hubs became generally available: what is earlier is a default, such as .NET's year 1
 * or 1970.
 */
const earliestMs = Date.UTC(2014, 9, 30);

/**
 * How far the clock of Event Hubs may be ahead of this machine's: far more than a clock is off, and
 * far less than what would make one event the newest for good.
 */
const aheadMaxMs = 24 * 3_600_000;

/**
 * Pairs the raw bodies of a batch with what the trigger's metadata says about them.
 *
 * The metadata is read defensively, because the host and the worker change it on its way: sequence
 * numbers arrive as a number, a string, or the two halves of a 64-bit integer; arrays may be
 * missing. Times and numbers order states, and name dead letters with the partition, so what cannot
 * be true counts as unknown: a time before Event Hubs existed or more than a day after `nowMs`, a
 * negative number, a partition that is no number. An event of which the time is unknown counts as
 * enqueued now; one without a number gets -1, which orders it before its equals.
 *
 * Throws `TypeError` when the bodies are not bytes: then the trigger lacks `dataType: 'binary'`,
 * and the host has parsed the events itself, which loses a whole batch with one bad body.
 */
export function incomingEvents(
  bodies: unknown,
  metadata: Readonly<Record<string, unknown>> | undefined,
  nowMs: number,
): readonly ReceivedEvent[] {
  if (!Array.isArray(bodies)) throw new TypeError('Failed to read the batch: the trigger must have cardinality many.');
  const sequenceNumbers = arrayAt(metadata, 'sequenceNumberArray');
  const enqueuedTimes = arrayAt(metadata, 'enqueuedTimeUtcArray');
  const partitionId = partitionIdOf(metadata);
  return bodies.map((body: unknown, index) => {
    if (!(body instanceof Uint8Array)) {
      throw new TypeError("Failed to read the batch: the trigger must have dataType 'binary'.");
    }
    return {
      body,
      partitionId,
      sequenceNumber: integerFrom(sequenceNumbers[index]) ?? -1,
      enqueuedAtMs: timeFrom(enqueuedTimes[index], nowMs + aheadMaxMs) ?? nowMs,
    };
  });
}

function arrayAt(metadata: Readonly<Record<string, unknown>> | undefined, name: string): readonly unknown[] {
  const value = metadata?.[name];
  return Array.isArray(value) ? value : [];
}

function partitionIdOf(metadata: Readonly<Record<string, unknown>> | undefined): string {
  const context = metadata?.partitionContext;
  if (typeof context !== 'object' || context === null || !('partitionId' in context)) return 'unknown';
  const { partitionId } = context;
  const text = typeof partitionId === 'string' || typeof partitionId === 'number' ? String(partitionId) : '';
  // Event Hubs numbers partitions from 0, at most some thousands per hub.
  return /^\d{1,5}$/.test(text) ? text : 'unknown';
}

/** A whole number of up to 53 bits, not negative, however the worker wrote it. */
function integerFrom(value: unknown): number | undefined {
  if (typeof value === 'object' && value !== null && 'low' in value && 'high' in value) {
    const { low, high } = value;
    if (typeof low !== 'number' || typeof high !== 'number') return undefined;
    return Number.isInteger(high) ? safeInteger(high * 0x1_0000_0000 + (low >>> 0)) : undefined;
  }
  if (typeof value === 'string' && /^\d+$/.test(value)) return safeInteger(Number(value));
  return typeof value === 'number' ? safeInteger(value) : undefined;
}

function safeInteger(value: number): number | undefined {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The extension writes times of UTC without saying so: without a zone they are not local times. */
function timeFrom(value: unknown, latestMs: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const timeMs = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`);
  return timeMs >= earliestMs && timeMs <= latestMs ? timeMs : undefined;
}
