import {
  MalformedMessage,
  readBinary,
  readMap,
  readSections,
  readText,
  sectionCode,
  type Section,
} from './amqp-sections.ts';
import type { NewEvent, PartitionLogState, StoredEvent } from './partition-log.ts';

/**
 * Between AMQP messages and events. A published event is kept as its encoded message; a delivered event is the same
 * bytes with a new message-annotations section.
 */

/** A transfer whose data sections each hold an encoded message. Every transfer of the JavaScript SDK is one. */
const batchFormat = 0x80013700;

const annotation = {
  partitionKey: 'x-opt-partition-key',
  sequenceNumber: 'x-opt-sequence-number',
  offset: 'x-opt-offset',
  enqueuedTime: 'x-opt-enqueued-time',
} as const;
const serviceAnnotations: ReadonlySet<string | undefined> = new Set(Object.values(annotation));

export interface PublishedBatch {
  /** Decides on the partition. */
  readonly partitionKey: string | undefined;
  readonly events: readonly NewEvent[];
}

/**
 * The events of one transfer. Their content shares the memory of the message.
 * Throws MalformedMessage when the message, or one of the messages in it, is not AMQP.
 */
export function decodePublished(message: Buffer, format: number | undefined): PublishedBatch {
  const sections = readSections(message);
  if (sections.length === 0) throw new MalformedMessage('The message is empty.');
  const partitionKey = readPartitionKey(message, sections);
  if (format !== batchFormat) return { partitionKey, events: [{ partitionKey, content: message }] };
  const events = sections
    .filter(({ code }) => code === sectionCode.data)
    .map(({ valueStart, end }): NewEvent => {
      const content = readBinary(message, valueStart, end);
      const inner = readSections(content);
      if (inner.length === 0) throw new MalformedMessage('An event in the batch is empty.');
      return { partitionKey: readPartitionKey(content, inner) ?? partitionKey, content };
    });
  return { partitionKey, events };
}

function readPartitionKey(message: Buffer, sections: readonly Section[]): string | undefined {
  const annotations = sections.find(({ code }) => code === sectionCode.messageAnnotations);
  if (annotations === undefined) return undefined;
  const entry = readMap(message, annotations.valueStart, annotations.end).find(
    ({ key }) => key === annotation.partitionKey,
  );
  return entry && readText(message, entry.valueStart, entry.end);
}

/**
 * The message that a reader gets. With `lastEnqueued`, the delivery annotations say how far the partition is.
 */
export function encodeDelivery(
  event: StoredEvent,
  lastEnqueued?: { readonly state: PartitionLogState; readonly retrievedAtMs: number },
): Buffer {
  const { content } = event;
  const parts: Buffer[] = [];
  const rest: Buffer[] = [];
  let published: Buffer[] = [];
  for (const { code, start, valueStart, end } of readSections(content)) {
    if (code === sectionCode.header) parts.push(content.subarray(start, end));
    else if (code === sectionCode.messageAnnotations) {
      published = readMap(content, valueStart, end)
        .filter(({ key }) => !serviceAnnotations.has(key))
        .map((entry) => content.subarray(entry.start, entry.end));
    } else if (code !== sectionCode.deliveryAnnotations) {
      rest.push(content.subarray(start));
      // What follows the annotations goes through in one piece: no annotations come after it (AMQP 1.0, 3.2).
      break;
    }
  }
  if (lastEnqueued) parts.push(...lastEnqueuedSection(lastEnqueued.state, lastEnqueued.retrievedAtMs));
  const key = event.partitionKey;
  parts.push(
    ...mapSection(sectionCode.messageAnnotations, (key === undefined ? 3 : 4) + published.length, [
      sequenceNumberKey,
      long(event.sequenceNumber),
      offsetKey,
      string(String(event.offset)),
      enqueuedTimeKey,
      timestamp(event.enqueuedTimeMs),
      ...(key === undefined ? [] : [partitionKeyKey, string(key)]),
      ...published,
    ]),
    ...rest,
  );
  return Buffer.concat(parts);
}

function lastEnqueuedSection(state: PartitionLogState, retrievedAtMs: number): Buffer[] {
  return mapSection(sectionCode.deliveryAnnotations, 4, [
    symbol('last_enqueued_sequence_number'),
    long(state.lastSequenceNumber),
    symbol('last_enqueued_offset'),
    string(state.lastOffset),
    symbol('last_enqueued_time_utc'),
    timestamp(state.lastEnqueuedTimeMs ?? 0),
    symbol('runtime_info_retrieval_time_utc'),
    timestamp(retrievedAtMs),
  ]);
}

function mapSection(code: number, entries: number, content: readonly Buffer[]): Buffer[] {
  const head = Buffer.alloc(12);
  head.set([0x00, 0x53, code, 0xd1]);
  head.writeUInt32BE(4 + content.reduce((bytes, part) => bytes + part.length, 0), 4);
  head.writeUInt32BE(entries * 2, 8);
  return [head, ...content];
}

function symbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, text.length]), Buffer.from(text, 'ascii')]);
}

function string(text: string): Buffer {
  const utf8 = Buffer.from(text, 'utf8');
  if (utf8.length <= 0xff) return Buffer.concat([Buffer.from([0xa1, utf8.length]), utf8]);
  const head = Buffer.alloc(5);
  head[0] = 0xb1;
  head.writeUInt32BE(utf8.length, 1);
  return Buffer.concat([head, utf8]);
}

function long(value: number): Buffer {
  return integer(0x81, value);
}

function timestamp(timeMs: number): Buffer {
  return integer(0x83, timeMs);
}

function integer(constructor: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = constructor;
  bytes.writeBigInt64BE(BigInt(Math.trunc(value)), 1);
  return bytes;
}

const sequenceNumberKey = symbol(annotation.sequenceNumber);
const offsetKey = symbol(annotation.offset);
const enqueuedTimeKey = symbol(annotation.enqueuedTime);
const partitionKeyKey = symbol(annotation.partitionKey);
