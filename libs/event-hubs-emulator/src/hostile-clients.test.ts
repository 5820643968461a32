import { once } from 'node:events';
import { createConnection } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectAmqp } from '../testing/amqp-client.ts';
import { consumerFor, emulatorForTest, producerFor, subscribe } from '../testing/official-client.ts';
import { MalformedMessage } from './amqp-sections.ts';
import { decodePublished } from './event-message.ts';
import type { EventHubsEmulator } from './index.ts';

const sasl = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');
const amqp = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');

/** Writes the bytes and resolves when the emulator has closed the connection. */
async function closedAfter(emulator: EventHubsEmulator, bytes: Uint8Array): Promise<void> {
  const socket = createConnection(emulator.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  await once(socket, 'close');
}

async function stillWorks(emulator: EventHubsEmulator): Promise<void> {
  await producerFor(emulator).sendBatch([{ body: 'fine' }], { partitionId: '0' });
  await subscribe(consumerFor(emulator), '0', { offset: '-1' }).count(1);
}

test('bytes that are not AMQP close their connection and disturb no other client', async () => {
  const emulator = await emulatorForTest();
  const texts = [
    'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'AMQP\x00\x00\x09\x01',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
  ];
  for (const text of texts) await closedAfter(emulator, Buffer.from(text, 'latin1'));
  await stillWorks(emulator);
});

test('frames that lie about their size close their connection', async () => {
  const emulator = await emulatorForTest();
  const sizes = [0, 7, 64 * 1024 + 1, 0x7fffffff, 0xffffffff];
  for (const size of sizes) {
    const frame = Buffer.alloc(64);
    frame.writeUInt32BE(size);
    await closedAfter(emulator, Buffer.concat([amqp, frame]));
    await closedAfter(emulator, Buffer.concat([sasl, frame]));
  }
  await stillWorks(emulator);
});

test('a few bytes that announce billions of things close their connection', async () => {
  const emulator = await emulatorForTest();
  const frame = (hex: string) => {
    const performative = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]);
    head.writeUInt32BE(head.length + performative.length);
    return Buffer.concat([head, performative]);
  };
  const arrayOfNulls = frame('f0 00000005 ffffffff 40');
  await closedAfter(emulator, Buffer.concat([amqp, arrayOfNulls]));

  const open = frame('00 53 10 c0 04 01 a1 01 78');
  const begin = frame('00 53 11 c0 07 04 40 43 52 7f 52 7f');
  const disposition = frame('00 53 15 c0 08 03 41 43 70 ffffffff');
  await closedAfter(emulator, Buffer.concat([amqp, open, begin, disposition]));
  await stillWorks(emulator);
});

test('frames that hold anything at all close their connection or are ignored, and disturb no other client', async () => {
  const emulator = await emulatorForTest();
  const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(frames, fc.boolean(), async (bodies, saslFirst) => {
      const encoded = bodies.map((body) => {
        const head = Buffer.from([0, 0, 0, 0, 2, saslFirst ? 1 : 0, 0, 0]);
        head.writeUInt32BE(head.length + body.length);
        return Buffer.concat([head, body]);
      });
      const socket = createConnection(emulator.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      socket.end(Buffer.concat([saslFirst ? sasl : amqp, ...encoded]));
      await once(socket, 'close');
    }),
    { numRuns: 200 },
  );
  await stillWorks(emulator);
});

test('clients that connect and vanish leave nothing behind', async () => {
  const emulator = await emulatorForTest();
  const sockets = Array.from({ length: 300 }, () => createConnection(emulator.port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  sockets.forEach((socket, index) => {
    if (index % 2 === 0) socket.write(sasl.subarray(0, index % 8));
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
  });
  await stillWorks(emulator);
});

test('many clients work at the same time', async () => {
  const emulator = await emulatorForTest();
  const producers = Array.from({ length: 60 }, () => producerFor(emulator));
  await Promise.all(producers.map((producer, index) => producer.sendBatch([{ body: index }], { partitionId: '0' })));
  const events = await subscribe(consumerFor(emulator), '0', { offset: '-1' }).count(60);
  expect(new Set(events.map(({ body }): unknown => body)).size).toBe(60);
});

test('a published message is either understood or refused as malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0, 0x80013700), (bytes, format) => {
      // Most random bytes fail at once: begin like a data section in half of the cases.
      const message = Buffer.from(bytes.length % 2 === 0 ? bytes : [0x00, 0x53, 0x75, ...bytes]);
      try {
        decodePublished(message, format);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedMessage);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a client that takes credit away and drains does not stop the emulator', async () => {
  const emulator = await emulatorForTest();
  await producerFor(emulator).sendBatch([{ body: 'x' }, { body: 'y' }], { partitionId: '0' });
  const client = await connectAmqp(emulator);
  await client.authorize();
  const reader = client.session.open_receiver({
    source: 'orders/ConsumerGroups/$Default/Partitions/0',
    credit_window: 0,
  });
  await once(reader, 'receiver_open');
  reader.add_credit(2);
  await once(reader, 'message');
  // As if it had seen none of the deliveries and wanted none.
  Object.assign(reader, { delivery_count: 0, credit: 0 });
  reader.drain_credit();
  await stillWorks(emulator);
});
