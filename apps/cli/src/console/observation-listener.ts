import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Observation } from '@activation-hub/activation';
import { linesOf } from '../terminal/lines-of.ts';

/** Takes what function apps on this machine observe. */
export interface ObservationListener {
  /**
   * For the app setting `ACTIVATION_OBSERVER_URL`; who does not know it cannot tell anything here.
   */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Listens on a free port of this machine. Lines that are no observations are left out: they can
 * only come from another build.
 */
export async function listenForObservations(
  onObserved: (observation: Observation) => void,
): Promise<ObservationListener> {
  const path = `/${randomBytes(18).toString('base64url')}`;
  const server = createServer((request, response) => {
    if (request.url !== path || request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    take(request, onObserved)
      .then(() => response.writeHead(204).end())
      // The app went away in the middle of its lines.
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function take(request: IncomingMessage, onObserved: (observation: Observation) => void): Promise<void> {
  for await (const line of linesOf(request)) {
    const observation = readObservation(line);
    if (observation !== undefined) onObserved(observation);
  }
}

function readObservation(line: string): Observation | undefined {
  try {
    const value = JSON.parse(line) as Observation | null;
    return typeof value === 'object' && value !== null && typeof value.is === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
