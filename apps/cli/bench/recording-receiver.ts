import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface RecordingReceiver {
  readonly url: string;
  /** `audience namespace value` of each present member of an audience. */
  readonly members: ReadonlySet<string>;
  counts(): {
    readonly requests: number;
    readonly changes: number;
    /**
     * Changes of an older qualification than the last that was told of the same identity and
     * audience.
     */
    readonly outOfOrder: number;
  };
  stop(): Promise<void>;
}

interface Item {
  readonly change: 'entered' | 'updated' | 'exited';
  readonly audience: { readonly id: string };
  readonly identity: { readonly namespace: string; readonly value: string };
  readonly qualifiedAt: string;
}

/** A receiver that answers at once and remembers who is where and since when. */
export async function startRecordingReceiver(): Promise<RecordingReceiver> {
  const members = new Set<string>();
  const qualifiedAt = new Map<string, number>();
  let requests = 0;
  let changes = 0;
  let outOfOrder = 0;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      requests += 1;
      for (const item of (JSON.parse(body) as { data: Item[] }).data) {
        changes += 1;
        const key = `${item.audience.id} ${item.identity.namespace} ${item.identity.value}`;
        const at = Date.parse(item.qualifiedAt);
        if (at < (qualifiedAt.get(key) ?? 0)) outOfOrder += 1;
        qualifiedAt.set(key, at);
        if (item.change === 'exited') members.delete(key);
        else members.add(key);
      }
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    members,
    counts: () => ({ requests, changes, outOfOrder }),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
