import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';

/** One change in the body that the receiver gets. */
export interface ToldChange {
  readonly change: 'entered' | 'updated' | 'exited';
  /** Display name where the export had one, else the key. */
  readonly audience: string;
  readonly identity: { readonly namespace: string; readonly value: string };
}

export interface Receiver {
  readonly url: string;
  /** Requests that it refused because their signature or form is wrong. */
  readonly refused: () => number;
  /** How many are in each audience now, by audience. */
  readonly members: () => Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const bodyBytesMax = 4 * 1024 * 1024;

const request = z.object({
  type: z.literal('audience.changes'),
  data: z.array(
    z.object({
      change: z.enum(['entered', 'updated', 'exited']),
      audience: z.object({ key: z.string(), name: z.string().optional() }),
      identity: z.object({ namespace: z.string(), value: z.string() }),
    }),
  ),
});

/**
 * Starts a web server on a free port that stands for a third party: it verifies the signature of
 * each request by the Standard Webhooks library, keeps who is in which audience, and answers 204;
 * 401 or 400 for what it cannot trust or read.
 */
export async function startReceiver(
  signingSecret: string,
  onTold: (changes: readonly ToldChange[]) => void,
): Promise<Receiver> {
  const webhook = new Webhook(signingSecret);
  const members = new Map<string, Set<string>>();
  let refused = 0;

  const take = async (incoming: IncomingMessage): Promise<204 | 400 | 401 | 413> => {
    const bytes = Number(incoming.headers['content-length'] ?? NaN);
    if (!(bytes <= bodyBytesMax)) return 413;
    const body = await buffer(incoming);
    try {
      webhook.verify(body, incoming.headers as Record<string, string>);
    } catch {
      return 401;
    }
    const parsed = request.safeParse(JSON.parse(body.toString()));
    if (!parsed.success) return 400;
    const told = parsed.data.data.map(({ change, audience, identity }) => ({
      change,
      audience: audience.name ?? audience.key,
      identity,
    }));
    for (const { change, audience, identity } of told) {
      const people = members.get(audience) ?? new Set<string>();
      members.set(audience, people);
      const person = `${identity.namespace} ${identity.value}`;
      if (change === 'exited') people.delete(person);
      else people.add(person);
    }
    onTold(told);
    return 204;
  };
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    take(incoming)
      .then((status) => {
        if (status !== 204) refused += 1;
        response.writeHead(status).end();
      })
      // The sender went away in the middle of its request; it will come again.
      .catch(() => response.destroy());
  };

  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/audience-changes`,
    refused: () => refused,
    members: () => Object.fromEntries([...members].map(([audience, people]) => [audience, people.size])),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
