import { once } from 'node:events';
import { createServer, request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What the proxy does with a request: pass it on; pass it on and break the connection before the
 * reply; or never answer.
 */
export type Treatment = 'pass' | 'lose-reply' | 'hang';

/** Stands between a client and a service of Azurite, to break what a network breaks. */
export interface StorageProxy {
  readonly port: number;
  /** `POST /path` of every request so far. */
  readonly requests: readonly string[];
  /**
   * Decides on every request from now on, in the order in which they come; each waits for its
   * decision.
   */
  treat: (request: IncomingMessage) => Treatment | Promise<Treatment>;
  stop(): Promise<void>;
}

export async function startStorageProxy(targetPort: number): Promise<StorageProxy> {
  const requests: string[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const treatment = await proxy.treat(request);
    if (treatment !== 'hang') passOn(request, response, targetPort, treatment === 'lose-reply');
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: StorageProxy = {
    port: (server.address() as AddressInfo).port,
    requests,
    treat: () => 'pass',
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}

function passOn(request: IncomingMessage, response: ServerResponse, port: number, loseReply: boolean): void {
  const { method, url, headers } = request;
  const upstream = sendRequest({ host: '127.0.0.1', port, method, path: url, headers }, (reply) => {
    if (loseReply) {
      // Only once the service has answered in full is the request certainly done.
      reply.resume().once('end', () => request.socket.destroy());
      return;
    }
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  upstream.once('error', () => request.socket.destroy());
  request.pipe(upstream);
}
