import { retryIdPattern, type DeferredEvent, type Retry, type RetryPointer } from '@activation-hub/delivery';
import { z } from 'zod';
import {
  documentVersion,
  eventSchema,
  parseDocument,
  readEvent,
  rowSchema,
  unreadable,
  writeEvent,
} from './event-document.ts';

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
  notBefore: z.iso.datetime().exactOptional(),
  /** Those that came with no event. */
  rows: z.array(rowSchema),
  /** How many lines follow: a blob that was cut must not pass for a retry of fewer events. */
  eventCount: z.int().nonnegative(),
  attempts: z.int().nonnegative(),
  firstDeferredAt: z.iso.datetime(),
  class: z.string(),
  reason: z.string(),
  isReplay: z.boolean(),
  chainId: z.string().exactOptional(),
  givesUp: z.boolean().exactOptional(),
  receipts: z.record(z.string(), z.string()).exactOptional(),
  traceParent: z.string().exactOptional(),
});

/** Every further line. */
const deferredEventSchema = z.object({ audiences: z.array(z.string()), rows: z.array(rowSchema), event: eventSchema });

/** The blob of a retry is called by its id and this. */
export const retryExtension = '.jsonl';

const lineFeed = 0x0a;

/**
 * A retry as it lies in its blob, in pieces: lines of JSON, the first for the retry and one for
 * each of its events, so that neither writing nor reading ever holds more than one event as text. A
 * hundred events may have a mebibyte each.
 */
export function* writeRetry({ retry, dueAtMs }: ScheduledRetry): Generator<Buffer, void> {
  const { events, rows, firstDeferredAtMs, notBeforeMs, ...rest } = retry;
  const head: z.infer<typeof headSchema> & { readonly version: number } = {
    version: documentVersion,
    ...rest,
    rows: [...rows],
    eventCount: events.length,
    // Up, for a retry is never due before its time.
    dueAt: new Date(Math.ceil(dueAtMs)).toISOString(),
    ...(notBeforeMs === undefined ? {} : { notBefore: new Date(Math.ceil(notBeforeMs)).toISOString() }),
    firstDeferredAt: new Date(firstDeferredAtMs).toISOString(),
  };
  yield lineOf(head);
  for (const { audiences, rows: ofEvent, event } of events) {
    const line: z.infer<typeof deferredEventSchema> = {
      audiences: [...audiences],
      rows: [...ofEvent],
      event: writeEvent(event),
    };
    yield lineOf({ version: documentVersion, ...line });
  }
}

/**
 * The retry in the bytes of the blob of that name. Throws `UnreadableDocumentError` when they are
 * not what `writeRetry` writes, with a sentence that names the blob and the field, and quotes
 * nothing of the events.
 */
export function readRetry(bytes: Buffer, blobName: string): ScheduledRetry {
  const of = { kind: 'retry', blobName };
  const [head = Buffer.alloc(0), ...lines] = linesOf(bytes);
  const { dueAt, firstDeferredAt, notBefore, eventCount, ...rest } = parseDocument(headSchema, head, of);
  if (`${rest.id}${retryExtension}` !== blobName) throw unreadable(of, 'id');
  if (lines.length !== eventCount) throw unreadable(of, `it has ${lines.length} events, and says ${eventCount}`);
  const events = lines.map((line): DeferredEvent => {
    const { audiences, rows, event } = parseDocument(deferredEventSchema, line, of);
    return { audiences, rows, event: readEvent(event) };
  });
  const retry = {
    ...rest,
    firstDeferredAtMs: Date.parse(firstDeferredAt),
    ...(notBefore === undefined ? {} : { notBeforeMs: Date.parse(notBefore) }),
    events,
  };
  return { retry, dueAtMs: Date.parse(dueAt) };
}

const metadataSchema = z.object({
  id: z.string().regex(retryIdPattern),
  destination: z.string(),
  attempts: z.string().regex(/^\d{1,15}$/),
  firstdeferredat: z.iso.datetime(),
  /** From when `wake` may make it due; absent for one that always may. */
  wakesfrom: z.union([z.literal('never'), z.iso.datetime()]).exactOptional(),
});

/**
 * The metadata of a retry's blob: what a list of blobs says without reading one. They travel as
 * headers, so their names are lower case, and their values ASCII.
 */
export function writeRetryMetadata(retry: Retry): Record<string, string> {
  const { id, destination, attempts, firstDeferredAtMs, notBeforeMs, receipts } = retry;
  const metadata = {
    id,
    destination: encodeURIComponent(destination),
    attempts: String(attempts),
    firstdeferredat: new Date(firstDeferredAtMs).toISOString(),
  };
  if (receipts !== undefined) return { ...metadata, wakesfrom: 'never' };
  return notBeforeMs === undefined
    ? metadata
    : { ...metadata, wakesfrom: new Date(Math.ceil(notBeforeMs)).toISOString() };
}

/**
 * The retry whose blob has this metadata, if it is one of the destination that may be woken at
 * `nowMs`.
 */
export function wakeable(
  metadata: Readonly<Record<string, string>> | undefined,
  destination: string,
  nowMs: number,
): RetryPointer | undefined {
  const { success, data } = metadataSchema.safeParse(metadata);
  if (!success || data.destination !== encodeURIComponent(destination)) return undefined;
  const { id, attempts, firstdeferredat, wakesfrom } = data;
  if (wakesfrom !== undefined && !(Date.parse(wakesfrom) <= nowMs)) return undefined;
  return { id, destination, attempts: Number(attempts), firstDeferredAtMs: Date.parse(firstdeferredat) };
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
