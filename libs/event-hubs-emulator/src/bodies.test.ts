import { once } from 'node:events';
import { expect, test } from 'vitest';
import { connectAmqp } from '../testing/amqp-client.ts';
import { emulatorForTest, until } from '../testing/official-client.ts';

/** A section of a message: its descriptor and its value, encoded (AMQP 1.0, part 3 section 3.2). */
const section = (code: number, ...value: readonly number[]): Buffer => Buffer.from([0x00, 0x53, code, ...value]);
const data = (...bytes: readonly number[]): Buffer => section(0x75, 0xa0, bytes.length, ...bytes);

/**
 * Values of every type of AMQP 1.0 (part 1 section 1.6), those included that no official SDK can
 * name.
 */
const values = {
  null: [0x40],
  boolean: [0x56, 0x01],
  ubyte: [0x50, 0xff],
  ushort: [0x60, 0xff, 0xff],
  uint: [0x70, 0xff, 0xff, 0xff, 0xff],
  ulong: [0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  byte: [0x51, 0x80],
  short: [0x61, 0x80, 0x00],
  int: [0x71, 0x80, 0x00, 0x00, 0x00],
  long: [0x81, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  float: [0x72, 0x3f, 0x00, 0x00, 0x00],
  double: [0x82, 0x3f, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  decimal32: [0x74, 0x22, 0x50, 0x00, 0x01],
  decimal64: [0x84, 0x22, 0x34, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01],
  decimal128: [0x94, 0x22, 0x08, ...Array<number>(13).fill(0), 0x01],
  char: [0x73, 0x00, 0x00, 0x00, 0xe4],
  timestamp: [0x83, 0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b],
  uuid: [0x98, ...Array.from({ length: 16 }, (_, index) => index)],
  binary: [0xa0, 0x02, 0x00, 0xff],
  string: [0xa1, 0x02, 0xc3, 0xa4],
  symbol: [0xa3, 0x01, 0x73],
  list: [0xc0, 0x03, 0x01, 0x50, 0x01],
  map: [0xc1, 0x05, 0x02, 0xa3, 0x01, 0x6b, 0x40],
  array: [0xe0, 0x04, 0x02, 0x50, 0x01, 0x02],
  described: [0x00, 0xa3, 0x01, 0x64, 0x50, 0x01],
};

function applicationProperties(): Buffer {
  const entries = Object.entries(values).map(([name, value]) =>
    Buffer.from([0xa1, name.length, ...Buffer.from(name), ...value]),
  );
  const head = Buffer.alloc(9);
  head[0] = 0xd1;
  head.writeUInt32BE(4 + entries.reduce((bytes, { length }) => bytes + length, 0), 1);
  head.writeUInt32BE(2 * entries.length, 5);
  return section(0x74, ...Buffer.concat([head, ...entries]));
}

test.each([
  ['no body', [applicationProperties()]],
  ['one data section', [applicationProperties(), data(0, 255)]],
  ['several data sections and a footer', [data(1), data(), data(2, 3), section(0x78, ...values.map)]],
  ['several sequences', [section(0x76, 0x45), section(0x76, ...values.list)]],
  ...Object.entries(values).map(([type, value]) => [`a value of type ${type}`, [section(0x77, ...value)]] as const),
] as const)('an event with %s comes as the bytes that were sent', async (_, sections) => {
  const client = await connectAmqp(await emulatorForTest());
  await client.authorize();
  const payloads: Buffer[] = [];
  const handlers = client.connection as unknown as { on_transfer(frame: { payload?: Buffer }): void };
  handlers.on_transfer = ({ payload }) => payloads.push(payload ?? Buffer.alloc(0));
  const sender = client.session.open_sender('orders/Partitions/0');
  await once(sender, 'sendable');
  const message = Buffer.concat(sections);
  sender.send(message, undefined, 0);
  await once(sender, 'accepted');
  client.session.open_receiver('orders/ConsumerGroups/$Default/Partitions/0');
  await until(() => payloads.length > 0, 'the event');
  const payload = payloads[0] ?? Buffer.alloc(0);
  expect(payload.subarray(payload.length - message.length)).toEqual(message);
});
