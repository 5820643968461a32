import {
  MalformedMessage,
  readBinary,
  readMap,
  readSections,
  readText,
  sectionCode,
  type MapEntry,
  type Section,
} from './amqp-sections.ts';
import type { NewEvent, PartitionLogState, StoredEvent } from './partition-log.ts';

/**
 * Between AMQP messages and events. A published event is kept as its encoded message; a delivered
 * event is the same bytes with a new message-annotations section.
 */

/**
 * A transfer whose data sections each hold an encoded message. Every transfer of the JavaScript SDK
 * is one.
 */
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
 * The message that a reader gets. With `lastEnqueued`, the delivery annotations say how far the
 * partition is.
 */
export function encodeDelivery(
  event: StoredEvent,
  lastEnqueued?: { readonly state: PartitionLogState; readonly retrievedAtMs: number },
): Buffer {
  const { content } = event;
  const parts: Buffer[] = [];
  let published: readonly MapEntry[] = [];
  let restStart = content.length;
  for (const { code, start, valueStart, end } of readSections(content, isBeforeProperties)) {
    if (code === sectionCode.header) parts.push(content.subarray(start, end));
    else if (code === sectionCode.messageAnnotations) {
      published = readMap(content, valueStart, end).filter(({ key }) => !serviceAnnotations.has(key));
    } else if (code !== sectionCode.deliveryAnnotations) restStart = start;
  }
  if (lastEnqueued) parts.push(...lastEnqueuedSection(lastEnqueued.state, lastEnqueued.retrievedAtMs));
  parts.push(annotationsSection(event, published));
  for (const { start, end } of published) parts.push(content.subarray(start, end));
  // What follows the annotations goes through in one piece: no annotations come after it (AMQP 1.0,
  // 3.2).
  parts.push(content.subarray(restStart));
  return Buffer.concat(parts);
}

const isBeforeProperties = (code: number): boolean => code <= sectionCode.messageAnnotations;

/**
 * The section up to the annotations of the publisher, which must follow. Written in one piece,
 * since every delivery has one.
 */
function annotationsSection(event: StoredEvent, published: readonly MapEntry[]): Buffer {
  const { sequenceNumber, offset, enqueuedTimeMs, partitionKey } = event;
  const offsetText = String(offset);
  const key = partitionKey === undefined ? undefined : Buffer.concat([partitionKeyKey, string(partitionKey)]);
  const publishedBytes = published.reduce((bytes, { start, end }) => bytes + end - start, 0);
  const keysBytes = sequenceNumberKey.length + offsetKey.length + enqueuedTimeKey.length;
  const bytes = Buffer.allocUnsafe(12 + keysBytes + 9 + 2 + offsetText.length + 9 + (key?.length ?? 0));
  bytes.writeUInt32BE(0x0053_0000 | (sectionCode.messageAnnotations << 8) | 0xd1, 0);
  bytes.writeUInt32BE(bytes.length - 8 + publishedBytes, 4);
  bytes.writeUInt32BE(2 * ((key === undefined ? 3 : 4) + published.length), 8);
  let position = 12 + sequenceNumberKey.copy(bytes, 12);
  position = writeInteger(bytes, position, 0x81, sequenceNumber);
  position += offsetKey.copy(bytes, position);
  bytes[position] = 0xa1;
  bytes[position + 1] = offsetText.length;
  position += 2 + bytes.write(offsetText, position + 2, 'latin1');
  position += enqueuedTimeKey.copy(bytes, position);
  position = writeInteger(bytes, position, 0x83, enqueuedTimeMs);
  key?.copy(bytes, position);
  return bytes;
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
  writeInteger(bytes, 0, constructor, value);
  return bytes;
}

/**
 * Gives the position after it. The value is a safe integer, whose two halves are written without
 * the detour of a bigint.
 */
function writeInteger(bytes: Buffer, position: number, constructor: number, value: number): number {
  const high = Math.floor(value / 2 ** 32);
  bytes[position] = constructor;
  bytes.writeInt32BE(high, position + 1);
  return bytes.writeUInt32BE(Math.trunc(value) - high * 2 ** 32, position + 5);
}

const sequenceNumberKey = symbol(annotation.sequenceNumber);
const offsetKey = symbol(annotation.offset);
const enqueuedTimeKey = symbol(annotation.enqueuedTime);
const partitionKeyKey = symbol(annotation.partitionKey);
