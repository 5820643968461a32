/**
 * The fields of one message by their numbers, each with every value that it came with, undecoded.
 */
export type ProtobufMessage = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>;

/**
 * Reads the wire format (protobuf.dev/programming-guides/encoding): varints and fixed numbers
 * become `bigint`, what has a length its bytes. What they mean is in the message's definition.
 */
export function readProtobuf(bytes: Uint8Array): ProtobufMessage {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(view.getUint8(at++));
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  };
  const valueOf = (wireType: number): bigint | Uint8Array => {
    switch (wireType) {
      case 0:
        return varint();
      case 1:
        at += 8;
        return view.getBigUint64(at - 8, true);
      case 2: {
        const length = Number(varint());
        at += length;
        return bytes.subarray(at - length, at);
      }
      case 5:
        at += 4;
        return BigInt(view.getUint32(at - 4, true));
      default:
        throw new Error(`Failed to read protobuf: there is no wire type ${wireType}.`);
    }
  };
  while (at < bytes.byteLength) {
    const tag = Number(varint());
    const values = fields.get(tag >>> 3) ?? [];
    values.push(valueOf(tag & 7));
    fields.set(tag >>> 3, values);
  }
  return fields;
}

const empty = new Uint8Array();

/** The messages of a field. */
export function messagesAt(message: ProtobufMessage, field: number): readonly ProtobufMessage[] {
  return (message.get(field) ?? []).map((value) => readProtobuf(value instanceof Uint8Array ? value : empty));
}

export function bytesAt(message: ProtobufMessage, field: number): Uint8Array {
  const value = message.get(field)?.at(-1);
  return value instanceof Uint8Array ? value : empty;
}

export function textAt(message: ProtobufMessage, field: number): string {
  return Buffer.from(bytesAt(message, field)).toString();
}

/** A varint, or a fixed number that is an integer. */
export function integerAt(message: ProtobufMessage, field: number): number {
  const value = message.get(field)?.at(-1);
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
}

/** A `double`. */
export function doubleAt(message: ProtobufMessage, field: number): number {
  const value = message.get(field)?.at(-1);
  return typeof value === 'bigint' ? doubleOf(value) : 0;
}

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
