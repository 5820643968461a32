import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault } from '@activation-hub/console-contract';

/** A server before a stand-in, which passes on what it gets until it is broken. */
export interface Breakable {
  readonly origin: string;
  fault: Fault;
  stop(): Promise<void>;
}

const retryAfterSeconds = 3;

/** What a broken third party answers; one that hangs answers nothing. */
const answers = {
  down: { status: 503, headers: {}, text: 'The console has broken this destination: it is down.' },
  throttled: {
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    text: 'The console has broken this destination: it is throttled.',
  },
  refuses: { status: 400, headers: {}, text: 'The console has broken this destination: it refuses what it gets.' },
} as const;

/** Starts a server on a free port of this machine before the one at `origin`. */
export async function startBreakable(origin: string): Promise<Breakable> {
  let fault: Fault = 'none';
  const hanging = new Set<ServerResponse>();
  const server = createServer((incoming, response) => {
    if (fault === 'none') passOn(incoming, response, origin);
    else if (fault === 'hangs') {
      hanging.add(response);
      response.on('close', () => hanging.delete(response));
    } else {
      const { status, headers, text } = answers[fault];
      incoming.resume();
      response.writeHead(status, { ...headers, 'content-type': 'text/plain' }).end(text);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    get fault() {
      return fault;
    },
    set fault(next) {
      fault = next;
      // A caller that waits for an earlier answer learns that there is none.
      if (next !== 'hangs') for (const response of hanging) response.destroy();
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function passOn(incoming: IncomingMessage, response: ServerResponse, origin: string): void {
  const { method, url = '/', headers } = incoming;
  const outgoing = forward(new URL(url, origin), { method, headers: { ...headers, host: new URL(origin).host } });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.on('error', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

/** The faults of destinations that are stand-ins. */
export class Breakables {
  readonly #of = new Map<string, Breakable[]>();

  /**
   * The settings of a destination with a server that can be broken before each address of this
   * machine. Other settings are as they were; a destination without such an address cannot be
   * broken.
   */
  async before(
    destination: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const entries = await Promise.all(
      Object.entries(settings).map(
        async ([name, value]) => [name, await this.#beforeValue(destination, value)] as const,
      ),
    );
    return Object.fromEntries(entries);
  }

  has(destination: string): boolean {
    return this.#of.has(destination);
  }

  break(destination: string, fault: Fault): void {
    for (const breakable of this.#of.get(destination) ?? []) breakable.fault = fault;
  }

  get faults(): Readonly<Record<string, Fault>> {
    return Object.fromEntries([...this.#of].map(([destination, [first]]) => [destination, first?.fault ?? 'none']));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#of.values()].flat().map((breakable) => breakable.stop()));
  }

  async #beforeValue(destination: string, value: unknown): Promise<unknown> {
    const [origin] = typeof value === 'string' ? (/^http:\/\/(127\.0\.0\.1|localhost):\d+/.exec(value) ?? []) : [];
    if (origin === undefined || typeof value !== 'string') return value;
    const breakable = await startBreakable(origin);
    this.#of.set(destination, [...(this.#of.get(destination) ?? []), breakable]);
    return breakable.origin + value.slice(origin.length);
  }
}
