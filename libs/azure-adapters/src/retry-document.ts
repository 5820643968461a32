import type { DeferredEvent, Retry } from '@activation-hub/delivery';
import { z } from 'zod';
import { eventSchema, parseDocument, readEvent, writeEvent } from './event-document.ts';

/** A retry with the time at which it is due. */
export interface ScheduledRetry {
  readonly retry: Retry;
  /** Epoch milliseconds. */
  readonly dueAtMs: number;
}

/** The first line: everything but the events. */
const headSchema = z.object({
  id: z.string(),
  destination: z.string(),
  dueAt: z.iso.datetime(),
  attempts: z.int().nonnegative(),
  firstDeferredAt: z.iso.datetime(),
  class: z.string(),
  reason: z.string(),
  isReplay: z.boolean(),
  receipts: z.record(z.string(), z.string()).exactOptional(),
});

/** Every further line. */
const deferredEventSchema = z.object({ audiences: z.array(z.string()), event: eventSchema });

const lineFeed = 0x0a;

/**
 * A retry as it lies in its blob, in pieces: lines of JSON, the first for the retry and one for each of its events, so that
 * neither writing nor reading ever holds more than one event as text. A hundred events may have a mebibyte each.
 */
export function* writeRetry({ retry, dueAtMs }: ScheduledRetry): Generator<Buffer, void> {
  const { events, firstDeferredAtMs, ...rest } = retry;
  const head: z.infer<typeof headSchema> = {
    ...rest,
    // Up, for a retry is never due before its time.
    dueAt: new Date(Math.ceil(dueAtMs)).toISOString(),
    firstDeferredAt: new Date(firstDeferredAtMs).toISOString(),
  };
  yield lineOf(head);
  for (const { audiences, event } of events) {
    const line: z.infer<typeof deferredEventSchema> = { audiences: [...audiences], event: writeEvent(event) };
    yield lineOf(line);
  }
}

/**
 * The retry in the bytes of the blob of that name. Throws when they are not what `writeRetry` writes, with a sentence that
 * names the blob and the field, and quotes nothing of the events.
 */
export function readRetry(bytes: Buffer, blobName: string): ScheduledRetry {
  const refuse = (what: string): Error =>
    new Error(
      `Failed to read a retry: the blob ${blobName} is not as it was written (${what}). Restore the blob from its earlier version, or delete it.`,
    );
  const [head, ...lines] = linesOf(bytes);
  const { dueAt, firstDeferredAt, ...rest } = parseDocument(headSchema, head ?? Buffer.alloc(0), refuse);
  const events = lines.map((line): DeferredEvent => {
    const { audiences, event } = parseDocument(deferredEventSchema, line, refuse);
    return { audiences, event: readEvent(event) };
  });
  return { retry: { ...rest, firstDeferredAtMs: Date.parse(firstDeferredAt), events }, dueAtMs: Date.parse(dueAt) };
}

function lineOf(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** The lines, as views of the bytes. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(lineFeed, start);
    lines.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length : end + 1;
  }
  return lines;
}
