import { seededRandom } from '@activation-hub/audience-events/testing';
import { usualDelaysMs } from './delays.ts';
import { ExportSource } from './entries.ts';
import { eventsPerBatchMax } from './scale-report.ts';
import { percentiles, type Percentiles } from './statistics.ts';
import { VirtualHub } from './virtual-hub.ts';

export interface CapacityOptions {
  readonly partitions: number;
  /** Entries for each partition, in a destination with the limits of a webhook. */
  readonly exports: number;
  /** How many of them come to each partition in a second; `Infinity` when all come at once. */
  readonly perSecond: number;
  readonly eventsPerBatch?: number;
  readonly vendorMs?: number;
}

export interface Capacity {
  readonly told: number;
  readonly deferred: number;
  /** Changes a second, until all is settled. */
  readonly perSecondAndPartition: number;
  /** Requests to the table, reads included, for each change. */
  readonly tableRequestsPerChange: number;
  /** Milliseconds from the hub until the vendor has heard of the change. */
  readonly latencyMs: Percentiles;
}

const webhook = { batchCount: 100, batchBytes: 1_000_000, requestsPerSecond: 100, concurrency: 8 };
const audience = { key: 'entered', id: 'virtual-1' };
const activationFile = `version: 1
destinations:
  vendor: { type: vendor, settings: {} }
audiences:
  entered: { id: ${audience.id}, activate: [{ destination: vendor, identity: crmid }] }
`;
const never = new AbortController().signal;

/** What the requests of a hub allow its partitions, in virtual time (`VirtualHub`). */
export async function capacityOf(options: CapacityOptions): Promise<Capacity> {
  const {
    partitions,
    exports,
    perSecond,
    eventsPerBatch = eventsPerBatchMax,
    vendorMs = usualDelaysMs.vendor,
  } = options;
  const hub = new VirtualHub({
    partitions,
    eventsPerBatch,
    activationFile,
    limits: { vendor: webhook },
    vendorMs,
    random: seededRandom(partitions),
  });
  const source = new ExportSource(partitions, 'virtual');
  const sentMs = new Map<string, number>();
  const tookMs = await hub.play(async () => {
    for (let count = 0; count < exports; count += 1) {
      for (let partition = 0; partition < partitions; partition += 1) {
        const entry = source.entry(audience, hub.clock.now());
        sentMs.set(entry.person, hub.clock.now());
        hub.send(entry, partition);
      }
      if (perSecond !== Infinity) await hub.clock.sleep(1_000 / perSecond, never);
    }
  });
  const told = hub.toldMs.vendor ?? new Map<string, number>();
  const { reads, transactions } = hub.ledger;
  return {
    told: told.size,
    deferred: hub.settled('vendor', 'deferred'),
    perSecondAndPartition: (told.size / tookMs / partitions) * 1_000,
    tableRequestsPerChange: (reads + transactions) / told.size,
    latencyMs: percentiles([...told].map(([person, ms]) => ms - (sentMs.get(person) ?? NaN))),
  };
}
