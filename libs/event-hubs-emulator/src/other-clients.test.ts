import { once } from 'node:events';
import { createConnection } from 'node:net';
import rhea, { type EventContext } from 'rhea';
import { expect, test } from 'vitest';
import { connectAmqp, connectionFields, fieldCount, statusOf } from '../testing/amqp-client.ts';
import { emulatorForTest, producerFor, refusal } from '../testing/official-client.ts';

/**
 * What the SDKs of other languages and generic AMQP clients need, seen from the wire. tools/foreign
 * runs the SDKs themselves.
 */

test('a reply waits until its link has credit', async () => {
  const client = await connectAmqp(await emulatorForTest());
  const receiver = client.session.open_receiver({ source: '$cbs', target: { address: 'answers' }, credit_window: 0 });
  const sender = client.session.open_sender('$cbs');
  await once(sender, 'sendable');
  sender.send({
    message_id: 'a',
    reply_to: 'answers',
    application_properties: { operation: 'unknown' },
    body: undefined,
  });
  await once(sender, 'accepted');
  receiver.add_credit(1);
  const [{ message }] = (await once(receiver, 'message')) as [EventContext];
  expect(message).toMatchObject({ correlation_id: 'a', application_properties: { 'status-code': 501 } });
});

test('a reply waits until its link is there', async () => {
  const client = await connectAmqp(await emulatorForTest());
  const sender = client.session.open_sender('$cbs');
  await once(sender, 'sendable');
  sender.send({
    message_id: 'a',
    reply_to: 'answers',
    application_properties: { operation: 'unknown' },
    body: undefined,
  });
  await once(sender, 'accepted');
  const receiver = client.session.open_receiver({ source: '$cbs', target: { address: 'answers' } });
  const [{ message }] = (await once(receiver, 'message')) as [EventContext];
  expect(message).toMatchObject({ correlation_id: 'a' });
});

test('a connection has one pair of links to $cbs, and another when that is closed', async () => {
  const { session } = await connectAmqp(await emulatorForTest());
  const [sender, receiver] = [session.open_sender('$cbs'), session.open_receiver('$cbs')];
  await Promise.all([once(sender, 'sendable'), once(receiver, 'receiver_open')]);
  const second = session.open_sender('$cbs');
  const [{ sender: refused }] = (await once(second, 'sender_error')) as [EventContext];
  expect(refused?.error).toMatchObject({ condition: 'amqp:not-allowed' });
  const secondReplies = session.open_receiver('$cbs');
  const [{ receiver: refusedReplies }] = (await once(secondReplies, 'receiver_error')) as [EventContext];
  expect(refusedReplies?.error).toMatchObject({ condition: 'amqp:not-allowed' });
  sender.close();
  receiver.close();
  await once(session.open_sender('$cbs'), 'sendable');
});

test('every frame has all its fields, the last ones included', async () => {
  const client = await connectAmqp(await emulatorForTest());
  const { connection, session } = client;
  const counts: Record<string, number> = {
    open: fieldCount((connection as unknown as { remote: { open: unknown } }).remote.open),
    begin: fieldCount((session as unknown as { remote: { begin: unknown } }).remote.begin),
  };
  const handlers = connection as unknown as Record<string, (frame: { performative: unknown }) => void>;
  for (const name of ['attach', 'flow', 'transfer', 'disposition', 'detach']) {
    const original = handlers[`on_${name}`];
    handlers[`on_${name}`] = (frame) => {
      counts[name] = fieldCount(frame.performative);
      original?.call(connection, frame);
    };
  }
  await client.authorize();
  const lost = session.open_sender('nowhere');
  await once(lost, 'sender_error');
  expect(counts).toEqual({ open: 10, begin: 8, attach: 14, flow: 11, transfer: 11, disposition: 6, detach: 3 });
  expect((session as unknown as { remote: { begin: { handle_max: number } } }).remote.begin.handle_max).toBe(255);
});

test('an attach answer carries source and target as the client gave them, and the filters that are in place', async () => {
  const client = await connectAmqp(await emulatorForTest());
  await client.authorize();
  const sender = client.session.open_sender({ source: { address: 'me' }, target: { address: 'orders' } });
  await once(sender, 'sender_open');
  expect([sender.source.address, sender.target.address]).toEqual(['me', 'orders']);

  const selector = rhea.types.wrap_described("amqp.annotation.x-opt-offset > '-1'", 0x468c00000004);
  const receiver = client.session.open_receiver({
    source: {
      address: 'orders/ConsumerGroups/$Default/Partitions/0',
      filter: { 'apache.org:selector-filter:string': selector, 'example:other': rhea.types.wrap_string('x') },
    },
    target: { address: 'here' },
  });
  await once(receiver, 'receiver_open');
  expect(receiver.target.address).toBe('here');
  expect(Object.keys(receiver.source.filter as object)).toEqual(['apache.org:selector-filter:string']);
});

test('the error of a refused delivery has its third field', async () => {
  const emulator = await emulatorForTest();
  const client = await connectAmqp(emulator);
  await client.authorize();
  const sender = client.session.open_sender('orders');
  await once(sender, 'sendable');
  emulator.faults.throttle({ sends: 1 });
  sender.send({ body: 'x' });
  const [{ delivery }] = (await once(sender, 'rejected')) as [EventContext];
  const { error } = (delivery as unknown as { remote_state: { error: { condition: string } } }).remote_state;
  expect(error.condition).toBe('com.microsoft:server-busy');
  expect(fieldCount(error)).toBe(3);
});

test('a request to $management proves its rights by its own token', async () => {
  const client = await connectAmqp(await emulatorForTest());
  const read = (properties: Record<string, unknown>) =>
    client.request('$management', {
      application_properties: { operation: 'READ', type: 'com.microsoft:eventhub', name: 'orders', ...properties },
    });
  expect(statusOf(await read({ security_token: client.token }))).toBe(200);
  expect(statusOf(await read({ security_token: client.token.replace('sig=', 'sig=A') }))).toBe(401);
  expect(statusOf(await read({}))).toBe(401);
});

test('the properties of a partition name the epochs of its sequence numbers', async () => {
  const client = await connectAmqp(await emulatorForTest());
  const reply = await client.request('$management', {
    application_properties: {
      operation: 'READ',
      type: 'com.microsoft:partition',
      name: 'orders',
      partition: '0',
      security_token: client.token,
    },
  });
  expect(reply.body).toMatchObject({ begin_sequence_number_epoch: -1, last_enqueued_sequence_number_epoch: -1 });
});

test('SASL PLAIN with the name of a policy and its key gives the rights of the policy', async () => {
  const emulator = await emulatorForTest();
  const { SharedAccessKeyName: username = '', SharedAccessKey: password = '' } = connectionFields(emulator);
  const client = await connectAmqp(emulator, { username, password });
  const sender = client.session.open_sender('orders');
  await once(sender, 'sendable');
  sender.send({ body: 'x' });
  await once(sender, 'accepted');
});

test('SASL PLAIN with a wrong key is refused', async () => {
  const emulator = await emulatorForTest();
  const { SharedAccessKeyName: username = '' } = connectionFields(emulator);
  const error = await refusal(connectAmqp(emulator, { username, password: 'wrong' }));
  expect(error.message).toContain('Failed to authenticate: 1');
});

test('a token that is signed with the sample key is told which connection string to use', async () => {
  const emulator = await emulatorForTest();
  const sample = emulator.connectionString().replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=SAS_KEY_VALUE');
  const error = await refusal(producerFor(emulator, 'orders', sample).sendBatch([{ body: 'x' }]));
  expect(error.message).toContain('InvalidSignature');
  expect(error.message).toContain("'SAS_KEY_VALUE' of the documentation");
});

test('an emulator that is given the sample key accepts it', async () => {
  const emulator = await emulatorForTest({
    keys: [{ name: 'RootManageSharedAccessKey', rights: ['Manage'], primaryKey: 'SAS_KEY_VALUE' }],
  });
  const sample = `Endpoint=sb://localhost:${emulator.port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`;
  await producerFor(emulator, 'orders', sample).sendBatch([{ body: 'x' }], { partitionId: '0' });
  expect(emulator.partitions('orders')[0]?.lastSequenceNumber).toBe(0);
});

test('the emulator listens where it is told to, and its connection string names that address', async () => {
  const emulator = await emulatorForTest({ host: '127.0.0.2' });
  expect(emulator.connectionString()).toContain(`sb://127.0.0.2:${emulator.port}/`);
  await producerFor(emulator).sendBatch([{ body: 'x' }]);
  // The control: no server listens elsewhere.
  const [error] = (await once(createConnection(emulator.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
});

test('on all addresses, the connection string names the one that the reader asks for', async () => {
  const emulator = await emulatorForTest({ host: '0.0.0.0' });
  expect(emulator.connectionString()).toContain(`sb://127.0.0.1:${emulator.port}/`);
  const connectionString = emulator.connectionString({ host: '127.0.0.3' });
  expect(connectionString).toContain(`sb://127.0.0.3:${emulator.port}/`);
  await producerFor(emulator, 'orders', connectionString).sendBatch([{ body: 'x' }]);
});

test('a delivery that was never settled does not hold back other links of its session', async () => {
  const emulator = await emulatorForTest();
  const client = await connectAmqp(emulator);
  await client.authorize();
  const leaving = client.session.open_sender('orders');
  await once(leaving, 'sendable');
  emulator.faults.delay({ sendMs: 3_600_000 });
  leaving.send({ body: 'never stored' });
  const staying = client.session.open_sender('orders');
  await once(staying, 'sendable');
  leaving.close();
  await once(leaving, 'sender_close');
  emulator.faults.clear();
  const wanted = 2_500; // More than a session holds.
  let accepted = 0;
  staying.on('accepted', () => (accepted += 1));
  for (let sent = 0; sent < wanted; sent += 1) {
    while (!staying.sendable()) await new Promise((resolve) => setImmediate(resolve));
    staying.send({ body: sent });
  }
  while (accepted < wanted) await new Promise((resolve) => setImmediate(resolve));
});

test('a reader that leaves with deliveries waiting for credit does not hold back other links of its session', async () => {
  const emulator = await emulatorForTest();
  const client = await connectAmqp(emulator);
  await client.authorize();
  const leaving = client.session.open_receiver({ source: '$management', target: { address: 'x' }, credit_window: 0 });
  await once(leaving, 'receiver_open');
  const sender = client.session.open_sender('$management');
  await once(sender, 'sendable');
  sender.send({ reply_to: 'x', application_properties: { operation: 'READ' }, body: undefined });
  await once(sender, 'accepted');
  leaving.close();
  await once(leaving, 'receiver_close');
  expect(await client.authorize()).toBe(202);
});

test('delivery ids may leave numbers out, as those of the Rust SDK do after a large message', async () => {
  const client = await connectAmqp(await emulatorForTest());
  await client.authorize();
  const sender = client.session.open_sender('orders');
  await once(sender, 'sendable');
  for (let sent = 0; sent < 3; sent += 1) {
    sender.send({ body: sent });
    await once(sender, 'settled');
    const { outgoing } = client.session as unknown as {
      outgoing: { next_delivery_id: number; next_pending_delivery: number };
    };
    outgoing.next_delivery_id += 2;
    outgoing.next_pending_delivery += 2;
  }
});

test('a link lives on with the token that its client renewed, and ends with the last one', async () => {
  let nowMs = Date.now();
  const client = await connectAmqp(await emulatorForTest({ now: () => nowMs }));
  await client.authorize(600_000);
  const sender = client.session.open_sender('orders');
  await once(sender, 'sendable');
  const outcome = async () => {
    const [accepted, rejected] = [once(sender, 'accepted'), once(sender, 'rejected')];
    sender.send({ body: 'x' });
    return Promise.race([accepted.then(() => 'accepted'), rejected.then(() => 'rejected')]);
  };
  nowMs += 550_000;
  expect(await client.authorize(1_200_000)).toBe(202);
  nowMs += 100_000;
  expect(await outcome()).toBe('accepted');
  nowMs += 1_000_000;
  expect(await outcome()).toBe('rejected');
});
