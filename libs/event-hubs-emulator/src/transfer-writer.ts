import { Socket } from 'node:net';
import type { Sender } from 'rhea';

/**
 * Writes settled deliveries without rhea's queue of deliveries: the frames of many events in one
 * piece of memory and one write. rhea keeps its numbers, so that both ways of sending may alternate
 * on a link. What this depends on in rhea 3.0.5 is in this file.
 */

interface Outgoing {
  readonly deliveries: { readonly size: number };
  next_delivery_id: number;
  next_pending_delivery: number;
  next_transfer_id: number;
  window: number;
  transfer_window(): number;
}

interface SenderInternals {
  credit: number;
  delivery_count: number;
  /** The next delivery tag. */
  tag: number;
  readonly local: { readonly handle: number };
  readonly connection: {
    readonly socket: unknown;
    readonly max_frame_size: number | undefined;
    /** Whether frames of rhea's own wait for the end of this tick. */
    readonly registered: boolean;
    output(): void;
  };
  readonly session: { readonly local: { readonly channel: number }; readonly outgoing: Outgoing };
}

/**
 * Bytes of a transfer frame before its payload, at most: the frame header, the descriptor and
 * eleven fields.
 */
const frameHeadBytesMax = 64;
/** What a client must be able to take when it names no size (AMQP 1.0, part 2 section 2.4.1). */
const frameBytesMin = 512;

/**
 * Sends the encoded messages, each as a settled delivery, as far as the credit and the window of
 * the session go, and says how many that were. Undefined when rhea must send them: it has frames or
 * deliveries of its own under way, the window has room for a part of the first message only, or the
 * stream is a WebSocket, of which some SDKs expect one frame in each message.
 */
export function writeSettled(sender: Sender, messages: readonly Buffer[]): number | undefined {
  const link = sender as unknown as SenderInternals;
  const { connection, session } = link;
  const { socket } = connection;
  const { outgoing } = session;
  if (!(socket instanceof Socket) || connection.registered || outgoing.deliveries.size > 0) return undefined;
  if (outgoing.next_pending_delivery !== outgoing.next_delivery_id) return undefined;

  const payloadBytesMax = Math.max(frameBytesMin, connection.max_frame_size ?? Infinity) - frameHeadBytesMax;
  const framesOf = (message: Buffer) => Math.max(1, Math.ceil(message.length / payloadBytesMax));
  const bytesMax = messages.reduce((sum, message) => sum + message.length + framesOf(message) * frameHeadBytesMax, 0);
  const bytes = Buffer.allocUnsafe(bytesMax);
  let position = 0;
  let sent = 0;
  for (const message of messages) {
    const frames = framesOf(message);
    const window = outgoing.transfer_window();
    if (sent === 0 && link.credit > 0 && window > 0 && window < frames) return undefined;
    if (link.credit <= 0 || window < frames) break;
    const tag = String(link.tag);
    for (let start = 0, frame = 1; frame <= frames; frame += 1, start += payloadBytesMax) {
      const end = Math.min(start + payloadBytesMax, message.length);
      const fields = { handle: link.local.handle, deliveryId: outgoing.next_delivery_id, tag, more: frame < frames };
      const payloadStart = writeTransferHead(bytes, position, session.local.channel, fields);
      message.copy(bytes, payloadStart, start, end);
      bytes.writeUInt32BE(payloadStart + end - start - position, position);
      position = payloadStart + end - start;
    }
    link.tag += 1;
    link.credit -= 1;
    link.delivery_count += 1;
    outgoing.next_delivery_id += 1;
    outgoing.next_pending_delivery += 1;
    outgoing.next_transfer_id += frames;
    outgoing.window -= frames;
    sent += 1;
  }
  if (position === 0) return 0;
  socket.write(bytes.subarray(0, position));
  // For the heartbeat, which is due a while after the last write.
  connection.output();
  return sent;
}

interface TransferFields {
  readonly handle: number;
  readonly deliveryId: number;
  readonly tag: string;
  readonly more: boolean;
}

/**
 * Writes a transfer frame up to its payload, its size left open, with all its fields; gives the
 * position of the payload.
 */
function writeTransferHead(bytes: Buffer, start: number, channel: number, fields: TransferFields): number {
  const { handle, deliveryId, tag, more } = fields;
  bytes.writeUInt16BE(0x0200, start + 4); // The payload begins after 8 bytes; a frame of AMQP.
  bytes.writeUInt16BE(channel, start + 6);
  bytes.writeUInt32BE(0x0053_14d0, start + 8); // A described list, the transfer.
  bytes.writeUInt32BE(11, start + 16); // Its fields.
  let position = writeUnsigned(bytes, start + 20, handle);
  position = writeUnsigned(bytes, position, deliveryId);
  bytes[position] = 0xa0;
  bytes[position + 1] = tag.length;
  position += 2 + bytes.write(tag, position + 2, 'latin1');
  position = writeUnsigned(bytes, position, 0); // The format of a plain message.
  bytes[position] = 0x41; // Settled.
  bytes[position + 1] = more ? 0x41 : 0x42;
  position += 2;
  for (let field = 7; field <= 11; field += 1, position += 1) bytes[position] = 0x40;
  bytes.writeUInt32BE(position - start - 16, start + 12);
  return position;
}

function writeUnsigned(bytes: Buffer, position: number, value: number): number {
  bytes[position] = 0x70;
  return bytes.writeUInt32BE(value >>> 0, position + 1);
}
