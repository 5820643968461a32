import {
  activate,
  activateRetry,
  defaultTiming,
  LedgerCache,
  RetriesInWork,
  type ActivationContext,
  type ReceivedEvent,
} from '@activation-hub/activation';
import { createMatcher, parseActivationFile } from '@activation-hub/activation-file';
import type { Random } from '@activation-hub/audience-events/testing';
import { PacedLedger } from '@activation-hub/azure-adapters/testing';
import {
  createTarget,
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  type Retry,
  type Target,
} from '@activation-hub/delivery';
import { VirtualClock } from '@activation-hub/delivery/testing';
import type { Connector, DestinationLimits } from '@activation-hub/destination-kit';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { z } from 'zod';
import { jittered, usualDelaysMs } from './delays.ts';
import type { BenchExport } from './entries.ts';

export interface VirtualHubOptions {
  readonly partitions: number;
  /** `maxEventBatchSize` of `host.json`. */
  readonly eventsPerBatch: number;
  /** Its destinations are of type `vendor`, without settings. */
  readonly activationFile: string;
  /** Of each destination of the file. */
  readonly limits: Readonly<Record<string, DestinationLimits>>;
  /** What a vendor takes for an answer, on average; that of `usualDelaysMs` by default. */
  readonly vendorMs?: number;
  readonly random: Random;
}

const startMs = Date.UTC(2026, 0, 15);
const never = new AbortController().signal;
const nothing = z.strictObject({});
/** As `host.json` has it: so many retries are under way at once at the most. */
const retriesMax = 12;
const lookForRetriesMs = 1_000;
const cacheOptions = { bytesMax: 128 * 1024 * 1024, ageMaxMs: 300_000 };

interface VirtualPartition {
  readonly id: string;
  readonly waiting: ReceivedEvent[];
  next: number;
  /** Goes on with a partition that waits for events. */
  wake: () => void;
}

/**
 * A hub of the real journey, delivery and group commit in virtual time. Each request to the storage
 * and to a vendor takes as long as in Azure, and computing takes no time: so it says what the order
 * of the requests allows, and no machine decides it.
 */
export class VirtualHub {
  readonly clock: VirtualClock;
  readonly ledger: PacedLedger;
  /** When each destination first heard of each person, in epoch milliseconds. */
  readonly toldMs: Readonly<Record<string, ReadonlyMap<string, number>>>;
  readonly #options: VirtualHubOptions;
  readonly #context: ActivationContext;
  readonly #counters = new Counters();
  readonly #retryQueue: PacedRetryQueue;
  readonly #partitions: readonly VirtualPartition[];
  readonly #due: string[] = [];
  #busy = 0;
  #settledMs = startMs;
  #isOver = false;
  #isPlayed = false;

  constructor(options: VirtualHubOptions) {
    this.#options = options;
    this.clock = new VirtualClock(startMs, options.random);
    const storage = (): Promise<void> => this.#wait(usualDelaysMs.storage);
    this.ledger = new PacedLedger(storage);
    this.#retryQueue = new PacedRetryQueue(storage);
    this.#partitions = Array.from({ length: options.partitions }, (_, id) => ({
      id: String(id),
      waiting: [],
      next: 0,
      wake: () => undefined,
    }));
    const kind = { settings: nothing, options: nothing };
    const file = parseActivationFile(options.activationFile, {
      fileName: 'virtual.yaml',
      destinations: new Map([['vendor', kind]]),
    });
    const told = Object.keys(options.limits).map((key) => [key, new Map<string, number>()] as const);
    this.toldMs = Object.fromEntries(told);
    this.#context = {
      matcher: createMatcher(file),
      targets: new Map(told.map(([key, people]) => [key, this.#target(key, people)])),
      ledger: this.ledger,
      ledgerCache: new LedgerCache(cacheOptions),
      deadLetters: new InMemoryDeadLetters(),
      retryQueue: this.#retryQueue,
      retriesInWork: new RetriesInWork(),
      stall: file.stall,
      telemetry: createTelemetry({ level: 'error', counters: this.#counters, write: () => undefined }),
      timing: defaultTiming,
      clock: this.clock,
    };
  }

  /** How many changes ended so, of a destination; what was deferred counts each time. */
  settled(destination: string, outcome: string): number {
    return this.#counters
      .values()
      .filter(({ counter, labels }) => counter === 'changes-settled' && labels.destination === destination)
      .reduce((sum, { labels, value }) => (labels.outcome === outcome ? sum + value : sum), 0);
  }

  /** How many retries were put into the queue. */
  get retriesPut(): number {
    return this.#retryQueue.puts;
  }

  /**
   * Lets the source send, by `send` and by sleeping, and time pass until nothing is left to do.
   * Gives how long it took until all was settled, in milliseconds. A hub plays once.
   */
  async play(source: () => Promise<void>): Promise<number> {
    const fromMs = this.clock.now();
    const all = Promise.all([
      source().then(() => this.#end()),
      ...this.#partitions.map((partition) => this.#read(partition)),
      ...Array.from({ length: retriesMax }, () => this.#retry()),
    ]).finally(() => (this.#isPlayed = true));
    while (!this.#isPlayed) await this.clock.advance(lookForRetriesMs);
    await all;
    return this.#settledMs - fromMs;
  }

  /** An export comes to a partition now. */
  send({ body }: BenchExport, partition: number): void {
    const to = this.#partitions[partition];
    if (to === undefined) throw new RangeError(`Failed to send: there is no partition ${partition}.`);
    const { id: partitionId, waiting, next: sequenceNumber } = to;
    waiting.push({ body: Buffer.from(body), partitionId, sequenceNumber, enqueuedAtMs: this.clock.now() });
    to.next += 1;
    to.wake();
  }

  #end(): void {
    this.#isOver = true;
    for (const { wake } of this.#partitions) wake();
  }

  /** Batches follow each other: what has come, then the checkpoint. */
  async #read(partition: VirtualPartition): Promise<void> {
    const { waiting } = partition;
    while (!this.#isOver || waiting.length > 0) {
      if (waiting.length === 0) {
        const { promise: come, resolve } = Promise.withResolvers<undefined>();
        partition.wake = () => resolve(undefined);
        await come;
        continue;
      }
      await this.#at(async () => {
        const events = waiting.splice(0, this.#options.eventsPerBatch);
        await activate({ events }, this.#context);
        await this.#wait(usualDelaysMs.storage);
      });
    }
  }

  /** One of those that take what is due from the retry queue. */
  async #retry(): Promise<void> {
    for (;;) {
      if (this.#due.length === 0) this.#due.push(...this.#retryQueue.takeDue(this.clock.now()));
      const message = this.#due.shift();
      if (message !== undefined) await this.#at(() => activateRetry(message, this.#context));
      else if (this.#isDone()) return;
      else await this.clock.sleep(lookForRetriesMs, never);
    }
  }

  #isDone(): boolean {
    const isRead = this.#isOver && this.#partitions.every(({ waiting }) => waiting.length === 0);
    return isRead && this.#busy === 0 && this.#retryQueue.nextDueAtMs === undefined;
  }

  async #at(work: () => Promise<void>): Promise<void> {
    this.#busy += 1;
    await work();
    this.#busy -= 1;
    this.#settledMs = this.clock.now();
  }

  #wait(meanMs: number): Promise<void> {
    return this.clock.sleep(jittered(meanMs, this.#options.random), never);
  }

  #target(key: string, told: Map<string, number>): Target {
    const { limits, vendorMs = usualDelaysMs.vendor } = this.#options;
    const take: Connector['enter'] = async (deliveries) => {
      for (const { change } of deliveries)
        if (!told.has(change.identity.value)) told.set(change.identity.value, this.clock.now());
      await this.#wait(vendorMs);
      return deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' }));
    };
    const of = limits[key];
    if (of === undefined) throw new RangeError(`Failed to set up ${key}: it has no limits.`);
    const connector = { enter: take, update: take, exit: take };
    return createTarget({ key, connector, limits: of, batchBy: 'destination', giveUpAfterMs: 86_400_000 }, this.clock);
  }
}

/** A retry that is put is a blob and a message. */
class PacedRetryQueue extends InMemoryRetryQueue {
  readonly #request: () => Promise<void>;
  puts = 0;

  constructor(request: () => Promise<void>) {
    super();
    this.#request = request;
  }

  override async put(retry: Retry, dueAtMs: number, signal: AbortSignal): Promise<void> {
    this.puts += 1;
    await this.#request();
    await this.#request();
    await super.put(retry, dueAtMs, signal);
  }
}
