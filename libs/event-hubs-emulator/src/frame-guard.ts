import type { Duplex } from 'node:stream';

const protocolHeader = 0x414d_5150; // "AMQP"
const protocolHeaderBytes = 8;
const frameBytesMin = 8;

/**
 * Watches the bytes that come in and destroys the socket at the first frame that announces a size
 * out of bounds, before its bytes are collected. Knows the frame header only (AMQP 1.0, part 2
 * section 2.3).
 */
export function guardFrames(socket: Duplex, frameBytesMax: number): void {
  /** Bytes of the current frame that have not come yet. */
  let expected = 0;
  /** The first bytes of a frame whose header is incomplete. */
  let partial = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer | string) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let position = 0;
    while (position < bytes.length) {
      if (expected > 0) {
        const taken = Math.min(expected, bytes.length - position);
        expected -= taken;
        position += taken;
        continue;
      }
      const wanted = 4 - partial.length;
      partial = Buffer.concat([partial, bytes.subarray(position, position + wanted)]);
      position = Math.min(bytes.length, position + wanted);
      if (partial.length < 4) return;
      const size = partial.readUInt32BE();
      partial = Buffer.alloc(0);
      const frameBytes = size === protocolHeader ? protocolHeaderBytes : size;
      if (frameBytes < frameBytesMin || frameBytes > frameBytesMax) {
        socket.removeAllListeners('data');
        socket.destroy();
        return;
      }
      expected = frameBytes - 4;
    }
  });
}
