import { seededRandom } from '@activation-hub/audience-events/testing';
import { ExportSource, type BenchExport } from './entries.ts';
import { eventsPerBatchMax } from './scale-report.ts';
import { percentiles, type Percentiles } from './statistics.ts';
import { VirtualHub } from './virtual-hub.ts';

export interface FloodOptions {
  readonly partitions: number;
  /** Of the audience that is mapped, all of them new to its destination. */
  readonly members: number;
  /** What the destination of the mapped audience takes. */
  readonly changesPerRequest: number;
  readonly requestsPerSecond: number;
}

export interface LimitedFlood {
  readonly told: number;
  readonly toldPerSecond: number;
  /** Of the entries for the other destination while members were told, in milliseconds. */
  readonly others: Percentiles;
  /** Changes of the members that were deferred, each time, and into how many retries. */
  readonly deferred: number;
  readonly retries: number;
}

const others = { key: 'others', id: 'flood-others' };
const mapped = { key: 'mapped', id: 'flood-mapped' };
const activationFile = `version: 1
destinations:
  crm: { type: vendor, settings: {} }
  mailing: { type: vendor, settings: {} }
audiences:
  others: { id: ${others.id}, activate: [{ destination: crm, identity: crmid }] }
  mapped: { id: ${mapped.id}, activate: [{ destination: mailing, identity: crmid }] }
`;
const usual = { batchCount: 100, batchBytes: 1_000_000, requestsPerSecond: 100, concurrency: 8 };
const everyMs = 50;
const never = new AbortController().signal;

/**
 * All members of an audience come at once for a destination that takes only so many, while twenty
 * entries a second go on for another one; in virtual time (`VirtualHub`).
 */
export async function limitedFlood({
  partitions,
  members,
  changesPerRequest,
  requestsPerSecond,
}: FloodOptions): Promise<LimitedFlood> {
  const hub = new VirtualHub({
    partitions,
    eventsPerBatch: eventsPerBatchMax,
    activationFile,
    limits: { crm: usual, mailing: { ...usual, batchCount: changesPerRequest, requestsPerSecond } },
    random: seededRandom(1),
  });
  const told = hub.toldMs.mailing ?? new Map<string, number>();
  const steady = new ExportSource(1, 'steady');
  const crowd = new ExportSource(2, 'crowd');
  const sentMs = new Map<string, number>();
  let partition = 0;
  const send = (entry: BenchExport): void => {
    partition = (partition + 1) % partitions;
    hub.send(entry, partition);
  };
  const startedMs = hub.clock.now();
  await hub.play(async () => {
    for (let count = 0; count < members; count += 1) send(crowd.entry(mapped, hub.clock.now()));
    while (told.size < members) {
      const entry = steady.entry(others, hub.clock.now());
      sentMs.set(entry.person, hub.clock.now());
      send(entry);
      await hub.clock.sleep(everyMs, never);
    }
  });
  const endedMs = Math.max(...told.values());
  return {
    told: told.size,
    toldPerSecond: (told.size / (endedMs - startedMs)) * 1_000,
    others: percentiles([...sentMs].map(([person, ms]) => (hub.toldMs.crm?.get(person) ?? Infinity) - ms)),
    deferred: hub.settled('mailing', 'deferred'),
    retries: hub.retriesPut,
  };
}
