import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { EventHubsEmulator } from '../src/index.ts';

/**
 * A TCP relay in front of the emulator that can stop taking what the emulator sends, as a stuck
 * client does.
 */
export async function stallingProxy(emulator: EventHubsEmulator) {
  /** From the emulator to the client. */
  const pairs = new Map<Socket, Socket>();
  const server = createServer((client) => {
    const upstream = connect(emulator.port, '127.0.0.1');
    pairs.set(upstream, client);
    client.pipe(upstream);
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(upstream);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const upstream of pairs.keys()) upstream.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    connectionString: emulator.connectionString().replace(`:${emulator.port}/`, `:${port}/`),
    /** Bytes that the emulator has sent to the clients that are connected. */
    bytesToClients: () => [...pairs.keys()].reduce((bytes, { bytesRead }) => bytes + bytesRead, 0),
    stall: () => {
      for (const upstream of pairs.keys()) upstream.unpipe().pause();
    },
    resume: () => {
      for (const [upstream, client] of pairs) upstream.pipe(client);
    },
  };
}
