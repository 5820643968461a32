import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { emptyLogEnd, type LogEnd, type PartitionLogStorage, type StoredEvent } from './partition-log.ts';

/**
 * A partition is a folder of append-only segments, each named after its first sequence number.
 *
 * Segment: magic (8) · sequence number (8) · offset (8) · last enqueued time, -1 for none (8) ·
 * last offset (8), all of them as they were when the segment began; then records. Record: length of
 * the body (4) · CRC-32 of the body (4) · body. Body: sequence number (8) · offset (8) · enqueued
 * time (8) · length of the key, 0xffffffff for none (4) · key · content.
 */
const magic = Buffer.from('EHUBLOG1', 'latin1');
const segmentHeaderBytes = 40;
const recordHeaderBytes = 8;
const bodyHeaderBytes = 28;
const noKey = 0xffff_ffff;
const segmentBytesMax = 8 * 1024 * 1024;

interface Segment {
  readonly path: string;
  /** One more than the last sequence number in it. */
  nextSequenceNumber: number;
}

/**
 * Keeps a partition in a folder. One process at a time. An event is with the operating system when
 * `append` returns.
 */
export class PartitionLogFile implements PartitionLogStorage {
  readonly #folder: string;
  /** Oldest first; the last one is appended to. */
  readonly #segments: Segment[];
  #end: LogEnd;
  #descriptor: number | undefined;
  #size = 0;

  private constructor(folder: string, segments: Segment[], end: LogEnd) {
    this.#folder = folder;
    this.#segments = segments;
    this.#end = end;
    const active = segments.at(-1);
    if (active === undefined) {
      this.#startSegment();
    } else {
      this.#descriptor = openSync(active.path, 'a');
      this.#size = fstatSync(this.#descriptor).size;
    }
  }

  /**
   * Opens the folder, makes it when it is not there, and reads what it holds. A last record that a
   * crash left incomplete is cut off. Throws when an older segment is damaged, for then events in
   * the middle would be missing.
   */
  static open(folder: string): { file: PartitionLogFile; events: StoredEvent[]; end: LogEnd } {
    mkdirSync(folder, { recursive: true });
    const names = readdirSync(folder).filter((name) => /^\d{16}\.segment$/.test(name));
    const segments: Segment[] = [];
    const events: StoredEvent[] = [];
    let end = emptyLogEnd;
    for (const [index, name] of names.sort().entries()) {
      const path = join(folder, name);
      const isLast = index === names.length - 1;
      const read = readSegment(path, index === 0 ? undefined : end);
      if (!isLast && read.validBytes !== read.totalBytes) {
        throw new Error(
          `Failed to open the event log: ${path} is damaged at byte ${read.validBytes}. Restore or delete its folder.`,
        );
      }
      if (read.end === undefined) {
        unlinkSync(path);
        continue;
      }
      if (read.validBytes !== read.totalBytes) truncateSync(path, read.validBytes);
      for (const event of read.events) events.push(event);
      end = read.end;
      segments.push({ path, nextSequenceNumber: end.sequenceNumber });
    }
    return { file: new PartitionLogFile(folder, segments, end), events, end };
  }

  append(events: readonly StoredEvent[]): void {
    if (this.#size >= segmentBytesMax) this.#startSegment();
    const last = events.at(-1);
    const descriptor = this.#descriptor;
    if (last === undefined) return;
    if (descriptor === undefined) throw new Error('Failed to append to the event log: it is closed.');
    const bytes = Buffer.concat(events.flatMap(encodeRecord));
    try {
      writeFully(descriptor, bytes);
    } catch (error) {
      ftruncateSync(descriptor, this.#size);
      throw error;
    }
    this.#size += bytes.length;
    this.#end = endAfter(last);
    const active = this.#segments.at(-1);
    if (active) active.nextSequenceNumber = this.#end.sequenceNumber;
  }

  discardBefore(sequenceNumber: number): void {
    for (;;) {
      const oldest = this.#segments[0];
      if (this.#segments.length < 2 || oldest === undefined || oldest.nextSequenceNumber > sequenceNumber) return;
      unlinkSync(oldest.path);
      this.#segments.shift();
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #startSegment(): void {
    this.close();
    const { sequenceNumber, offset, lastEnqueuedTimeMs, lastOffset } = this.#end;
    const path = join(this.#folder, `${String(sequenceNumber).padStart(16, '0')}.segment`);
    const header = Buffer.alloc(segmentHeaderBytes);
    magic.copy(header);
    header.writeBigInt64BE(BigInt(sequenceNumber), 8);
    header.writeBigInt64BE(BigInt(offset), 16);
    header.writeBigInt64BE(BigInt(lastEnqueuedTimeMs ?? -1), 24);
    header.writeBigInt64BE(BigInt(lastOffset), 32);
    // Truncates what a crash may have left under this name.
    closeSync(openSync(path, 'w'));
    this.#descriptor = openSync(path, 'a');
    writeFully(this.#descriptor, header);
    this.#size = header.length;
    this.#segments.push({ path, nextSequenceNumber: sequenceNumber });
  }
}

function writeFully(descriptor: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}

function endAfter(event: StoredEvent): LogEnd {
  return {
    sequenceNumber: event.sequenceNumber + 1,
    offset: event.offset + Math.max(1, event.content.length),
    lastEnqueuedTimeMs: event.enqueuedTimeMs,
    lastOffset: event.offset,
  };
}

function encodeRecord(event: StoredEvent): Buffer[] {
  const key = Buffer.from(event.partitionKey ?? '', 'utf8');
  const head = Buffer.alloc(recordHeaderBytes + bodyHeaderBytes);
  head.writeUInt32BE(bodyHeaderBytes + key.length + event.content.length, 0);
  head.writeBigInt64BE(BigInt(event.sequenceNumber), 8);
  head.writeBigInt64BE(BigInt(event.offset), 16);
  head.writeBigInt64BE(BigInt(event.enqueuedTimeMs), 24);
  head.writeUInt32BE(event.partitionKey === undefined ? noKey : key.length, 32);
  const checksum = crc32(event.content, crc32(key, crc32(head.subarray(recordHeaderBytes))));
  head.writeUInt32BE(checksum, 4);
  return [head, key, event.content];
}

interface SegmentContent {
  readonly events: StoredEvent[];
  /** Undefined when not even the header is there. */
  readonly end: LogEnd | undefined;
  readonly validBytes: number;
  readonly totalBytes: number;
}

function readSegment(path: string, expected: LogEnd | undefined): SegmentContent {
  const bytes = readFileSync(path);
  const totalBytes = bytes.length;
  if (totalBytes < segmentHeaderBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    return { events: [], end: undefined, validBytes: 0, totalBytes };
  }
  const integer = (position: number) => Number(bytes.readBigInt64BE(position));
  const lastTimeMs = integer(24);
  let end: LogEnd = {
    sequenceNumber: integer(8),
    offset: integer(16),
    lastEnqueuedTimeMs: lastTimeMs === -1 ? undefined : lastTimeMs,
    lastOffset: integer(32),
  };
  if (expected !== undefined && expected.sequenceNumber !== end.sequenceNumber) {
    throw new Error(`Failed to open the event log: events are missing before ${path}. Restore or delete its folder.`);
  }
  const events: StoredEvent[] = [];
  let position = segmentHeaderBytes;
  for (;;) {
    const event = readRecord(bytes, position, end.sequenceNumber);
    if (event === undefined) break;
    events.push(event.event);
    end = endAfter(event.event);
    position = event.end;
  }
  return { events, end, validBytes: position, totalBytes };
}

function readRecord(
  bytes: Buffer,
  position: number,
  sequenceNumber: number,
): { event: StoredEvent; end: number } | undefined {
  const bodyStart = position + recordHeaderBytes;
  if (bytes.length < bodyStart + bodyHeaderBytes) return undefined;
  const end = bodyStart + bytes.readUInt32BE(position);
  if (end > bytes.length || end < bodyStart + bodyHeaderBytes) return undefined;
  const body = bytes.subarray(bodyStart, end);
  if (crc32(body) !== bytes.readUInt32BE(position + 4)) return undefined;
  if (Number(body.readBigInt64BE(0)) !== sequenceNumber) return undefined;
  const keyBytes = body.readUInt32BE(24);
  const contentStart = bodyHeaderBytes + (keyBytes === noKey ? 0 : keyBytes);
  return {
    end,
    event: {
      sequenceNumber,
      offset: Number(body.readBigInt64BE(8)),
      enqueuedTimeMs: Number(body.readBigInt64BE(16)),
      partitionKey: keyBytes === noKey ? undefined : body.toString('utf8', bodyHeaderBytes, contentStart),
      content: body.subarray(contentStart),
    },
  };
}
