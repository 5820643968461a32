import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerClient, queueClient } from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { startEventHubsEmulator, type EventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import type { HostLogEntry } from '@activation-hub/functions-host';
import { dataStores } from '@activation-hub/handler-contract';
import { openEventSender, type EventSender } from '../src/traffic/event-sender.ts';
import { Cleanups } from '../src/traffic/local/cleanups.ts';
import { buildApp } from '../src/traffic/local/machine.ts';
import { localEventHub } from '../src/traffic/local/local-event-hub.ts';
import { readSignal } from '../src/traffic/local/signals.ts';
import { chaosFile, destinationKey, filledFrom, receiverOf, routes } from './chaos-file.ts';
import { Hosts } from './hosts.ts';
import { runUntilDone } from './operator.ts';
import { Receiver, receiverKinds, type Outage, type ReceiverKind } from './receivers.ts';
import type { WaitingRetry } from './recoveries.ts';

export interface StageOptions {
  readonly seed: number;
  readonly kinds?: readonly ReceiverKind[];
  /** Those of them that fail only on command. */
  readonly answering?: readonly ReceiverKind[];
  readonly leaseSeconds: number;
  readonly onLine: (line: string) => void;
  /** Every secret that is put in. */
  readonly onSecret: (secret: string) => void;
  /** A receiver answers again. */
  readonly onOutage?: (outage: Outage) => void;
}

const partitionCount = 4;

/**
 * Everything that chaos is done to: the hub, the storage, receivers, and hosts that are started
 * when they are asked for.
 */
export class Stage {
  readonly receivers: ReadonlyMap<ReceiverKind, Receiver>;
  readonly emulator: EventHubsEmulator;
  readonly sender: EventSender;
  readonly hosts: Hosts;
  readonly #settled = new Map<string, number>();
  /** Changes that a host has settled as delivered, by its secret and the destination. */
  readonly #deliveredBy = new Map<string, Map<string, number>>();
  readonly #storageFolder: string;
  readonly #activationFile: string;
  readonly #secrets: Readonly<Record<string, string>>;
  readonly #onLine: (line: string) => void;
  readonly #cleanups: Cleanups;
  #storage: Azurite;

  static async start(options: StageOptions): Promise<Stage> {
    const cleanups = new Cleanups();
    try {
      return new Stage(options, cleanups, await partsOf(options, cleanups));
    } catch (error) {
      await cleanups.run(() => undefined);
      throw error;
    }
  }

  private constructor(options: StageOptions, cleanups: Cleanups, parts: Awaited<ReturnType<typeof partsOf>>) {
    this.receivers = parts.receivers;
    this.emulator = parts.emulator;
    this.#storage = parts.storage;
    this.#storageFolder = parts.storageFolder;
    this.#cleanups = cleanups;
    this.sender = openEventSender(parts.emulator.connectionString(), localEventHub.name);
    cleanups.add(() => this.#storage.stop());
    cleanups.add(() => this.hosts.stop());
    cleanups.add(() => this.sender.close());
    const signing = randomBytes(24).toString('base64');
    const operator = randomBytes(12).toString('hex');
    for (const secret of [signing, operator]) options.onSecret(secret);
    this.#activationFile = parts.activationFile;
    this.#secrets = { ACTIVATION_SECRET_SIGNING: signing, ACTIVATION_SECRET_HOST: operator };
    this.#onLine = options.onLine;
    this.hosts = new Hosts({
      appFolder: parts.appFolder,
      settings: (hostSecret) => {
        options.onSecret(hostSecret);
        return {
          AzureWebJobsStorage: this.#storage.connectionString,
          DataStorage: this.#storage.connectionString,
          EventHubConnection: parts.emulator.connectionString(),
          EVENT_HUB_NAME: localEventHub.name,
          EVENT_HUB_CONSUMER_GROUP: localEventHub.consumerGroup,
          ACTIVATION_FILE: parts.activationFile,
          ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
          ACTIVATION_LEASE_SECONDS: String(options.leaseSeconds),
          ACTIVATION_SECRET_SIGNING: signing,
          ACTIVATION_SECRET_HOST: hostSecret,
        };
      },
      onLine: (line, hostSecret) => {
        options.onLine(line);
        this.#note(line, hostSecret);
      },
    });
  }

  /** Events that are in the hub, and events that are settled. */
  progress(): { readonly sent: number; readonly settled: number } {
    const partitions = this.emulator.partitions(localEventHub.name);
    return {
      sent: partitions.reduce((sum, { lastSequenceNumber }) => sum + lastSequenceNumber + 1, 0),
      settled: [...this.#settled.values()].reduce((sum, last) => sum + last + 1, 0),
    };
  }

  /**
   * Replaces every host by one that has the new activation file, and then does what its help says:
   * removes the members of the retired route, and fills the new route.
   */
  async changeFile(deadline: AbortSignal): Promise<{ readonly operated: Promise<void> }> {
    await this.hosts.replaceAll(() => writeFile(this.#activationFile, chaosFile(this.#urls(), 'after')));
    return { operated: this.#operate(deadline) };
  }

  async #operate(deadline: AbortSignal): Promise<void> {
    for (const { audience, receiver, changes } of routes) {
      const words = [destinationKey(receiver, 'after'), '--audience', audience];
      const options = ['--activations', this.#activationFile, '--connection-string', this.#storage.connectionString];
      const run = (verb: readonly string[]): Promise<number> =>
        runUntilDone([...verb, ...options], { environment: this.#secrets, deadline, onLine: this.#onLine });
      if (changes === 'retired') await run(['retire', ...words]);
      if (changes !== 'added') continue;
      // Again for what changed at the other destination meanwhile.
      for (let runs = 0; runs < 2; runs += 1) await run(['resync', ...words, '--from', filledFrom]);
    }
  }

  #urls(): ReadonlyMap<ReceiverKind, string> {
    return new Map([...this.receivers].map(([kind, { url }]) => [kind, url]));
  }

  /** Every retry that waits, by what the metadata of its blob say. */
  async waiting(): Promise<readonly WaitingRetry[]> {
    const client = containerClient({ connectionString: this.#storage.connectionString }, dataStores.containers.retries);
    const waiting: WaitingRetry[] = [];
    for await (const { metadata } of client.listBlobsFlat({ includeMetadata: true })) {
      const { destination = '', firstdeferredat = '' } = metadata ?? {};
      waiting.push({
        receiver: receiverOf(decodeURIComponent(destination)),
        firstDeferredAtMs: Date.parse(firstdeferredat),
      });
    }
    return waiting;
  }

  /**
   * Messages of the retry queue, due or not, and of its poison queue; blobs of retries; dead
   * letters.
   */
  async stored(): Promise<{ readonly messages: number; readonly retries: number; readonly deadLetters: number }> {
    const [waiting, poisoned, retries, deadLetters] = await Promise.all([
      this.#messages(dataStores.queues.retries),
      this.#messages(dataStores.queues.poisonedRetries),
      this.#blobs(dataStores.containers.retries),
      this.#blobs(dataStores.containers.deadLetters),
    ]);
    return { messages: waiting + poisoned, retries, deadLetters };
  }

  /**
   * Changes that hosts, not an operator, told this receiver and did not come to settle: under way
   * when something was killed or stopped.
   */
  unsettled({ kind, appliedBy }: Receiver): number {
    return [...appliedBy]
      .filter(([host]) => host !== this.#secrets.ACTIVATION_SECRET_HOST)
      .map(([host, applied]) => Math.max(0, applied - (this.#deliveredBy.get(host)?.get(kind) ?? 0)))
      .reduce((sum, each) => sum + each, 0);
  }

  /** Stops the storage, and starts it again on the same ports with the same content. */
  async interruptStorage(rest: () => Promise<void>): Promise<void> {
    const { blobPort: blob, queuePort: queue, tablePort: table } = this.#storage;
    await this.#storage.stop();
    await rest();
    this.#storage = await startAzurite({ dataFolder: this.#storageFolder, ports: { blob, queue, table } });
  }

  /** Stops and removes everything, whatever of it fails; throws the first failure. */
  async stop(): Promise<void> {
    const failures: unknown[] = [];
    await this.#cleanups.run((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** A queue that was never made is empty. */
  async #messages(queue: string): Promise<number> {
    const client = queueClient({ connectionString: this.#storage.connectionString }, queue);
    if (!(await client.exists())) return 0;
    const { approximateMessagesCount = 0 } = await client.getProperties();
    return approximateMessagesCount;
  }

  async #blobs(container: string): Promise<number> {
    let count = 0;
    const client = containerClient({ connectionString: this.#storage.connectionString }, container);
    for await (const page of client.listBlobsFlat().byPage()) count += page.segment.blobItems.length;
    return count;
  }

  #note(line: string, hostSecret: string): void {
    if (!line.startsWith('{')) return;
    const signal = readSignal((JSON.parse(line) as HostLogEntry).message);
    if (signal?.name !== 'batch-settled' && signal?.name !== 'retry-settled') return;
    if (signal.name === 'batch-settled') {
      const { partitionId, lastSequenceNumber } = signal;
      this.#settled.set(partitionId, Math.max(lastSequenceNumber, this.#settled.get(partitionId) ?? -1));
    }
    const delivered = this.#deliveredBy.get(hostSecret) ?? new Map<string, number>();
    this.#deliveredBy.set(hostSecret, delivered);
    for (const [destination, { delivered: more = 0 }] of Object.entries(signal.outcomes)) {
      const receiver = receiverOf(destination);
      delivered.set(receiver, (delivered.get(receiver) ?? 0) + more);
    }
  }
}

async function partsOf({ seed, kinds = receiverKinds, answering = [], onOutage }: StageOptions, cleanups: Cleanups) {
  const folder = await mkdtemp(join(tmpdir(), 'activation-chaos-'));
  cleanups.add(() => rm(folder, { recursive: true, force: true }));
  const emulator = await startEventHubsEmulator({
    eventHubs: [{ name: localEventHub.name, partitionCount, consumerGroups: [localEventHub.consumerGroup] }],
    retention: { bytesMax: 1024 * 1024 * 1024 },
  });
  cleanups.add(() => emulator.stop());
  const receivers = new Map<ReceiverKind, Receiver>();
  for (const [index, kind] of kinds.entries()) {
    const receiver = await Receiver.start(kind, seed + index, {
      answers: answering.includes(kind),
      ...(onOutage === undefined ? {} : { onOutage }),
    });
    cleanups.add(() => receiver.stop());
    receivers.set(kind, receiver);
  }
  const activationFile = join(folder, 'chaos.yaml');
  await writeFile(activationFile, chaosFile(new Map([...receivers].map(([kind, { url }]) => [kind, url])), 'before'));
  const storageFolder = join(folder, 'storage');
  const appFolder = await buildApp(cleanups, activationFile);
  const storage = await startAzurite({ dataFolder: storageFolder });
  return { emulator, receivers, activationFile, storageFolder, appFolder, storage };
}
