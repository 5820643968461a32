import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { EventHubProducerClient } from '@azure/event-hubs';
import rhea, { type EventContext } from 'rhea';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { connectAmqp } from '../testing/amqp-client.ts';
import { emulatorForTest, until } from '../testing/official-client.ts';

test('one port takes AMQP with and without TLS, and the certificate is good for this machine', async () => {
  const emulator = await emulatorForTest({ tls: {} });
  const { port, authority } = emulator.tls ?? {};
  expect(port).toBe(emulator.port);
  for (const options of [{}, { transport: 'tls', ca: authority, servername: 'localhost' }] as const) {
    const client = await connectAmqp(emulator, options);
    expect(await client.authorize()).toBe(202);
  }
});

test('TLS can have a port of its own, and is refused where it was not asked for', async () => {
  const emulator = await emulatorForTest({ tls: { port: 0, hosts: ['emulator.test'] } });
  expect(emulator.tls?.port).not.toBe(emulator.port);
  const secure = connectTls({
    port: emulator.tls?.port,
    host: '127.0.0.1',
    ca: emulator.tls?.authority,
    servername: 'emulator.test',
  });
  await once(secure, 'secureConnect');
  expect(secure.authorized).toBe(true);
  secure.destroy();

  const plain = await emulatorForTest();
  const [error] = (await once(connectTls({ port: plain.port, host: '127.0.0.1' }), 'error')) as [Error];
  expect(error.message).toMatch(/disconnected|ECONNRESET|reset/);
});

test('a client that does not trust the authority is not connected', async () => {
  const emulator = await emulatorForTest({ tls: {} });
  const [error] = (await once(connectTls({ port: emulator.port, host: 'localhost' }), 'error')) as [Error];
  expect(error.message).toMatch(/certificate/);
});

test('the official SDK sends over a WebSocket', async () => {
  const emulator = await emulatorForTest();
  // The SDK asks for wss:// and the port of the service, which no emulator has; only the address is
  // changed.
  const asked: string[] = [];
  const producer = new EventHubProducerClient(emulator.connectionString(), 'orders', {
    webSocketOptions: {
      webSocket: function (url: string, protocols: string[]) {
        asked.push(new URL(url).pathname, ...protocols);
        return new WebSocket(`ws://127.0.0.1:${emulator.port}${new URL(url).pathname}`, protocols);
      } as unknown as typeof WebSocket,
    },
  });
  onTestFinished(() => producer.close());
  await producer.sendBatch([{ body: 'x' }], { partitionId: '0' });
  expect(asked).toEqual(['/$servicebus/websocket', 'AMQPWSB10']);
  expect(emulator.partitions('orders')[0]?.lastSequenceNumber).toBe(0);
});

test('a WebSocket goes over TLS too, and only where the service has it', async () => {
  const emulator = await emulatorForTest({ tls: {} });
  const url = `wss://localhost:${emulator.port}/$servicebus/websocket`;
  const socket = new WebSocket(url, 'AMQPWSB10', { ca: emulator.tls?.authority });
  await once(socket, 'open');
  socket.terminate();
  const elsewhere = new WebSocket(`ws://127.0.0.1:${emulator.port}/other`, 'AMQPWSB10');
  const [error] = (await once(elsewhere, 'error')) as [Error];
  expect(error.message).toContain('404');
});

test('the health endpoint answers on the port of AMQP and on one of its own', async () => {
  const emulator = await emulatorForTest({ healthPort: 0 });
  const response = await fetch(`http://127.0.0.1:${emulator.port}/health`);
  expect([response.status, await response.json()]).toEqual([200, { status: 'healthy', eventHubs: ['orders'] }]);
  expect((await fetch(`http://127.0.0.1:${emulator.port}/other`)).status).toBe(404);
});

test('a client that says nothing for twice the announced time is closed with the condition of the service', async () => {
  const emulator = await emulatorForTest({ idleTimeoutMs: 40 });
  const connection = rhea.create_container().connect({ host: '127.0.0.1', port: emulator.port, reconnect: false });
  connection.on('disconnected', () => undefined);
  await once(connection, 'connection_open');
  // From here on the client writes nothing, not even the heartbeats that it was asked for.
  (connection as unknown as { socket: Socket }).socket.write = () => true;
  const [{ error }] = (await once(connection, 'connection_error')) as [EventContext & { error: { condition: string } }];
  expect(error.condition).toBe('amqp:connection:forced');
});

test('a client that asks for heartbeats gets them', async () => {
  const emulator = await emulatorForTest();
  const socket = createConnection(emulator.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  let received = Buffer.alloc(0);
  socket.on('data', (bytes) => (received = Buffer.concat([received, bytes])));
  const container = Buffer.from('client');
  // Open with idle-time-out of 40 ms: container-id, hostname, max-frame-size, channel-max,
  // idle-time-out.
  const fields = Buffer.concat([
    Buffer.from([0xa1, container.length]),
    container,
    Buffer.from([0x40, 0x40, 0x40, 0x52, 40]),
  ]);
  const performative = Buffer.concat([Buffer.from([0x00, 0x53, 0x10, 0xc0, fields.length + 1, 5]), fields]);
  const head = Buffer.from([0, 0, 0, 8 + performative.length, 2, 0, 0, 0]);
  socket.write(Buffer.concat([Buffer.from('AMQP\x00\x01\x00\x00', 'latin1'), head, performative]));
  const emptyFrame = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);
  await until(
    () => received.length > 8 && received.subarray(-16).equals(Buffer.concat([emptyFrame, emptyFrame])),
    'two heartbeats',
  );
});

test('a WebSocket whose request line has the whole address, as the Java SDK writes it, is opened', async () => {
  const emulator = await emulatorForTest();
  const socket = createConnection(emulator.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.write(
    'GET https://localhost/$servicebus/websocket HTTP/1.1\r\nConnection: Upgrade,Keep-Alive\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: tdSEchHQ56pEjJvoPtB+Pg==\r\nSec-WebSocket-Protocol: AMQPWSB10\r\nHost: localhost\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 101 /);
});
