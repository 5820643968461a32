import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './monotonic.ts';

export interface TimedReceiver {
  readonly url: string;
  /** When it first received each person, by identity, in the milliseconds of `monotonicMs`. */
  readonly toldMs: ReadonlyMap<string, number>;
  counts(): { readonly requests: number; readonly changes: number };
  stop(): Promise<void>;
}

interface Told {
  readonly data: readonly { readonly identity: { readonly value: string } }[];
}

/** A receiver that remembers when it was told of whom, and takes `delayMs()` for every answer. */
export async function startTimedReceiver(delayMs: () => number = () => 0): Promise<TimedReceiver> {
  const toldMs = new Map<string, number>();
  let requests = 0;
  let changes = 0;
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const nowMs = monotonicMs();
      requests += 1;
      for (const { identity } of (JSON.parse(body) as Told).data) {
        changes += 1;
        if (!toldMs.has(identity.value)) toldMs.set(identity.value, nowMs);
      }
      const answersAfterMs = delayMs();
      if (answersAfterMs > 0) await sleep(answersAfterMs);
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    toldMs,
    counts: () => ({ requests, changes }),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
