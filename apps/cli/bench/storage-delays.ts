/**
 * What stands between an app and Azurite and takes as long as Azure does, in a process of its own.
 * Forked by `startStorageDelays` with `DelaySettings` as JSON.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@activation-hub/audience-events/testing';
import type { Azurite } from '@activation-hub/azurite';
import { startStorageProxy, type StorageProxy } from '@activation-hub/azure-adapters/testing';
import { jittered } from './delays.ts';

const services = ['blob', 'queue', 'table'] as const;
type ByService = Readonly<Record<(typeof services)[number], number>>;

interface DelaySettings {
  readonly ports: ByService;
  readonly delayMs: number;
  readonly seed: number;
}

/** The ports at which it listens, or the requests so far. */
interface DelayMessage {
  readonly kind: 'ready' | 'requests';
  readonly of: ByService;
}

export interface StorageDelays {
  /** As Azurite's own, but through the delays. */
  readonly connectionString: string;
  /** So far, by service. */
  requests(): Promise<ByService>;
  stop(): Promise<void>;
}

/** Delays every request to an Azurite by about `delayMs`, the same way for the same seed. */
export async function startStorageDelays(azurite: Azurite, delayMs: number, seed: number): Promise<StorageDelays> {
  const ports: ByService = { blob: azurite.blobPort, queue: azurite.queuePort, table: azurite.tablePort };
  const settings: DelaySettings = { ports, delayMs, seed };
  const child = fork(import.meta.filename, [JSON.stringify(settings)]);
  const ended = once(child, 'exit');
  let { promise: counted, resolve: count } = Promise.withResolvers<ByService>();
  const { promise: listening, resolve, reject } = Promise.withResolvers<ByService>();
  child.once('exit', () => reject(new Error('Failed to delay the storage: its process ended.')));
  child.on('message', (message: DelayMessage) => (message.kind === 'ready' ? resolve : count)(message.of));
  const own = await listening;
  return {
    connectionString: services.reduce(
      (text, service) => text.replace(`:${ports[service]}/`, `:${own[service]}/`),
      azurite.connectionString,
    ),
    requests: () => {
      ({ promise: counted, resolve: count } = Promise.withResolvers<ByService>());
      child.send('requests');
      return counted;
    },
    stop: async () => {
      child.disconnect();
      await ended;
    },
  };
}

if (import.meta.main) {
  const { ports, delayMs, seed } = JSON.parse(process.argv[2] ?? '') as DelaySettings;
  const random = seededRandom(seed);
  const [blob, queue, table] = await Promise.all([
    startStorageProxy(ports.blob),
    startStorageProxy(ports.queue),
    startStorageProxy(ports.table),
  ]);
  for (const proxy of [blob, queue, table]) proxy.treat = () => sleep(jittered(delayMs, random), 'pass');
  const say = (kind: DelayMessage['kind'], of: (proxy: StorageProxy) => number): void =>
    void process.send?.({ kind, of: { blob: of(blob), queue: of(queue), table: of(table) } } satisfies DelayMessage);
  process.on('message', () => say('requests', ({ requests }) => requests.length));
  process.once('disconnect', () => process.exit());
  say('ready', ({ port }) => port);
}
