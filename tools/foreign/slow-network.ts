import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * A TCP relay on this machine that holds back what comes from a port for some milliseconds, as
 * every network does.
 */
export interface SlowNetwork {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Relays to `port` of this machine; each answer takes `delayMs` longer. The order of bytes stays.
 */
export async function slowNetwork(port: number, delayMs: number): Promise<SlowNetwork> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (bytes) => void setTimeout(() => client.write(bytes), delayMs));
    upstream.on('end', () => void setTimeout(() => client.end(), delayMs));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket.setNoDelay());
      socket.on('error', () => other.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
