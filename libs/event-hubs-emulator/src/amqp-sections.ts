/**
 * Finds the sections of an encoded AMQP message without decoding them, so that events pass through
 * byte for byte. (AMQP 1.0, part 1 section 1.2 for the encoding, part 3 section 3.2 for the
 * sections.)
 */

/** The message is not AMQP. */
export class MalformedMessage extends Error {
  override name = 'MalformedMessage';
}

export const sectionCode = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  data: 0x75,
  footer: 0x78,
} as const;

export interface Section {
  /** The descriptor: 0x70 (header) to 0x78 (footer). */
  readonly code: number;
  /** First byte of the section, its descriptor included. */
  readonly start: number;
  /** First byte of its value. */
  readonly valueStart: number;
  /** One past its last byte. */
  readonly end: number;
}

const nestingMax = 32;

/**
 * The sections of a message, in order, up to the first for whose code `goesOn` is false, that
 * included. Throws MalformedMessage.
 */
export function readSections(message: Buffer, goesOn: (code: number) => boolean = () => true): Section[] {
  const sections: Section[] = [];
  let start = 0;
  while (start < message.length) {
    if (message[start] !== 0x00) throw new MalformedMessage(`There is no message section at byte ${start}.`);
    const valueStart = skipValue(message, start + 1);
    const code = readUnsigned(message, start + 1);
    if (code === undefined || code < sectionCode.header || code > sectionCode.footer) {
      throw new MalformedMessage(`The message section at byte ${start} is unknown.`);
    }
    const end = skipValue(message, valueStart);
    sections.push({ code, start, valueStart, end });
    if (!goesOn(code)) break;
    start = end;
  }
  return sections;
}

/**
 * The position after the value that begins here. Throws MalformedMessage when it does not end
 * within the bytes.
 */
export function skipValue(bytes: Buffer, position: number, nesting = 0): number {
  if (position >= bytes.length || nesting > nestingMax) throw new MalformedMessage('A value ends too early.');
  const constructor = bytes.readUInt8(position);
  if (constructor === 0x00) return skipValue(bytes, skipValue(bytes, position + 1, nesting + 1), nesting + 1);
  const end = position + 1 + valueBytes(bytes, position, constructor >>> 4);
  if (end > bytes.length) throw new MalformedMessage('A value ends too early.');
  return end;
}

function valueBytes(bytes: Buffer, position: number, width: number): number {
  switch (width) {
    case 0x4:
      return 0;
    case 0x5:
      return 1;
    case 0x6:
      return 2;
    case 0x7:
      return 4;
    case 0x8:
      return 8;
    case 0x9:
      return 16;
    case 0xa:
    case 0xc:
    case 0xe:
      return position + 1 < bytes.length ? 1 + bytes.readUInt8(position + 1) : 1;
    case 0xb:
    case 0xd:
    case 0xf:
      return position + 4 < bytes.length ? 4 + bytes.readUInt32BE(position + 1) : 4;
    default:
      throw new MalformedMessage(`There is no type with the code 0x${bytes.toString('hex', position, position + 1)}.`);
  }
}

function readUnsigned(bytes: Buffer, position: number): number | undefined {
  if (bytes[position] === 0x53) return bytes[position + 1];
  if (bytes[position] === 0x80) return Number(bytes.readBigUInt64BE(position + 1));
  return undefined;
}

/** The bytes of a binary value (`vbin8`, `vbin32`). Throws MalformedMessage for anything else. */
export function readBinary(bytes: Buffer, position: number, end: number): Buffer {
  if (bytes[position] === 0xa0) return bytes.subarray(position + 2, end);
  if (bytes[position] === 0xb0) return bytes.subarray(position + 5, end);
  throw new MalformedMessage('A data section does not hold binary data.');
}

/** The text of a string or symbol; undefined for any other type. */
export function readText(bytes: Buffer, position: number, end: number): string | undefined {
  const constructor = bytes[position];
  if (constructor === 0xa1 || constructor === 0xa3) return bytes.toString('utf8', position + 2, end);
  if (constructor === 0xb1 || constructor === 0xb3) return bytes.toString('utf8', position + 5, end);
  return undefined;
}

/** A key of a map and where its value is. */
export interface MapEntry {
  /** Undefined when the key is neither string nor symbol. */
  readonly key: string | undefined;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** The entries of a map value, in order. Throws MalformedMessage. */
export function readMap(bytes: Buffer, position: number, end: number): MapEntry[] {
  const constructor = bytes[position];
  if (constructor !== 0xc1 && constructor !== 0xd1) throw new MalformedMessage('Annotations are not a map.');
  let start = position + (constructor === 0xc1 ? 3 : 9);
  const entries: MapEntry[] = [];
  while (start < end) {
    const valueStart = skipValue(bytes, start);
    const entryEnd = skipValue(bytes, valueStart);
    if (entryEnd > end) throw new MalformedMessage('A map ends too early.');
    entries.push({ key: readText(bytes, start, valueStart), start, valueStart, end: entryEnd });
    start = entryEnd;
  }
  return entries;
}
