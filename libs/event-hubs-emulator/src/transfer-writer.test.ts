import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionOptions, Receiver } from 'rhea';
import { expect, test } from 'vitest';
import { connectAmqp, fieldCount } from '../testing/amqp-client.ts';
import { emulatorForTest, producerFor, until } from '../testing/official-client.ts';

/** How events leave, seen from the wire: a bare AMQP client reads what the official one sent. */

interface TransferFrame {
  readonly performative: { readonly delivery_id: number; readonly settled: boolean; readonly more: boolean };
  readonly payload?: Buffer;
}

async function reader(bodies: readonly Buffer[], options: Partial<ConnectionOptions> = {}) {
  const emulator = await emulatorForTest();
  const producer = producerFor(emulator);
  for (const body of bodies) await producer.sendBatch([{ body }], { partitionId: '0' });
  const client = await connectAmqp(emulator, options);
  await client.authorize();
  const frames: TransferFrame[] = [];
  const handlers = client.connection as unknown as { on_transfer(frame: TransferFrame): void };
  const original = handlers.on_transfer.bind(handlers);
  handlers.on_transfer = (frame) => {
    frames.push({ ...frame });
    original(frame);
  };
  const open = (credit: number, session = client.session): { link: Receiver; lengths: number[] } => {
    const lengths: number[] = [];
    const link = session.open_receiver({
      source: 'orders/ConsumerGroups/$Default/Partitions/0',
      target: { address: 'here' },
      credit_window: 0,
    });
    link.add_credit(credit);
    link.on('message', ({ message }: { message: { body: { content: Buffer } } }) => {
      lengths.push(message.body.content.length);
    });
    return { link, lengths };
  };
  return { client, frames, open };
}

test('an event that is longer than a frame comes in several, with consecutive ids of deliveries', async () => {
  const { frames, open } = await reader(
    [100, 200_000, 300].map((bytes) => Buffer.alloc(bytes, 'x')),
    { max_frame_size: 65_536 },
  );
  const { lengths } = open(10);
  await until(() => lengths.length === 3, 'three events');
  expect(lengths).toEqual([100, 200_000, 300]);
  const shapes = frames.map(({ performative: { delivery_id: id, more } }) => `${id}${more ? '+' : ''}`);
  const first = frames[0]?.performative.delivery_id ?? 0;
  expect(shapes).toEqual([`${first}`, ...Array<string>(3).fill(`${first + 1}+`), `${first + 1}`, `${first + 2}`]);
  for (const { performative } of frames) {
    expect(performative.settled).toBe(true);
    expect(fieldCount(performative)).toBe(11);
  }
});

test('no frame is longer than the client can take', async () => {
  const { frames, open } = await reader([Buffer.alloc(5_000, 'x')], { max_frame_size: 1_024 });
  const { lengths } = open(1);
  await until(() => lengths.length === 1, 'the event');
  expect(lengths).toEqual([5_000]);
  expect(frames.length).toBeGreaterThan(4);
  for (const { payload } of frames) expect(payload?.length ?? 0).toBeLessThan(1_024);
});

test('a session whose window is full gets nothing until its client opens it', async () => {
  const { client, open } = await reader(Array.from({ length: 40 }, (_, index) => Buffer.alloc(index + 1)));
  const session = client.connection.create_session(4);
  session.begin();
  const { lengths } = open(1_000, session);
  const inner = session as unknown as { _write_flow(link?: object): void };
  const writeFlow = inner._write_flow.bind(session);
  let isShut = false;
  inner._write_flow = (link) => {
    if (!isShut) writeFlow(link);
    isShut = true;
  };
  await until(() => lengths.length === 4, 'a window of events');
  await client.authorize();
  expect(lengths).toEqual([1, 2, 3, 4]);
  inner._write_flow = writeFlow;
  writeFlow();
  await until(() => lengths.length === 40, 'all events');
});

test('an event of more frames than the window of its session arrives as the client opens the window', async () => {
  const bodies = [Buffer.alloc(5_000, 'x'), Buffer.alloc(10)];
  const { client, frames, open } = await reader(bodies, { max_frame_size: 1_024 });
  const session = client.connection.create_session(4);
  session.begin();
  const { lengths } = open(10, session);
  await until(() => frames.length === 4, 'a window of frames');
  expect(lengths).toEqual([]);
  (session as unknown as { _write_flow(): void })._write_flow();
  await until(() => lengths.length === 2, 'both events');
  expect(lengths).toEqual([5_000, 10]);
});

test('a link gets no more than its credit, and goes on where it stopped', async () => {
  const { open } = await reader(Array.from({ length: 10 }, (_, index) => Buffer.alloc(index + 1)));
  const { link, lengths } = open(3);
  await until(() => lengths.length === 3, 'three events');
  await new Promise((resolve) => setImmediate(resolve));
  expect(lengths).toEqual([1, 2, 3]);
  link.add_credit(2);
  await until(() => lengths.length === 5, 'two more');
  expect(lengths).toEqual([1, 2, 3, 4, 5]);
});

test('a reply that is due and events that are drained keep their order in a session', async () => {
  const { client, open } = await reader(Array.from({ length: 300 }, () => Buffer.alloc(10)));
  const { link, lengths } = open(1);
  const replies = client.session.open_receiver({ source: '$management', target: { address: 'replies' } });
  const requests = client.session.open_sender('$management');
  await Promise.all([once(requests, 'sendable'), until(() => lengths.length === 1, 'the first event')]);
  const { socket } = client.connection as unknown as { socket: Socket };
  for (let asked = 1; asked <= 10; asked += 1) {
    const [reply, before] = [once(replies, 'message'), lengths.length];
    // Request and drain arrive in one piece, so that both are due at once.
    socket.cork();
    setImmediate(() => socket.uncork());
    link.drain = true;
    link.add_credit(5);
    requests.send({
      message_id: String(asked),
      reply_to: 'replies',
      application_properties: { operation: 'READ', type: 'com.microsoft:eventhub', name: 'orders' },
      body: undefined,
    });
    await reply;
    await until(() => lengths.length > before, 'more events');
  }
});
