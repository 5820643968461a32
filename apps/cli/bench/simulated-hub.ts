import type { Random } from '@activation-hub/audience-events/testing';
import { jittered } from './delays.ts';
import { bucketsPerAccount, type LedgerUse } from './scale-plan.ts';
import { percentiles, type Percentiles } from './statistics.ts';

export interface SimulatedHub {
  readonly partitions: number;
  readonly eventsPerBatch: number;
  readonly ledger: LedgerUse;
  /** Over how many accounts the ledger is spread. */
  readonly ledgerAccounts: number;
  /** Of the exports, those that change something; each is one change. */
  readonly changing: number;
  /** Changes in one request to the vendor, and requests of one batch that are under way at once. */
  readonly vendor: { readonly changesPerRequest: number; readonly concurrency: number };
  /** Means; each request has its own. */
  readonly delaysMs: { readonly storage: number; readonly vendor: number };
  /** What the worker computes for each export, in milliseconds. */
  readonly computeMsPerExport: number;
  /** The rate at which one storage account answers. */
  readonly tableRequestsPerSecond: number;
  readonly random: Random;
}

export interface SimulatedLoad {
  readonly exportsPerSecond: number;
  readonly seconds: number;
}

export interface SimulatedRun {
  readonly arrived: number;
  readonly settled: number;
  readonly settledPerSecond: number;
  /** Requests to the table services of all accounts. */
  readonly tableRequestsPerSecond: number;
  /** On average. */
  readonly eventsPerBatch: number;
  /** How long, in milliseconds, the oldest export of each batch had waited when it was settled. */
  readonly oldestMs: Percentiles;
  /** Share of the time in which a partition was at work. */
  readonly busy: number;
}

/**
 * Plays the batches of a hub over virtual time: arrivals come evenly to all partitions, a partition
 * takes what has come, up to a batch, and settles it before it takes the next; all share the
 * accounts of the ledger, of which each answers no faster than it can. Ends when the time is over.
 */
export function simulateHub(hub: SimulatedHub, { exportsPerSecond, seconds }: SimulatedLoad): SimulatedRun {
  const endMs = seconds * 1_000;
  const perMs = exportsPerSecond / hub.partitions / 1_000;
  const accounts = Array.from({ length: hub.ledgerAccounts }, () => new StorageAccount(hub.tableRequestsPerSecond));
  const partitions = Array.from({ length: hub.partitions }, (_, index) => ({
    // Not all at once.
    freeMs: (index / hub.partitions) * 10,
    taken: 0,
  }));
  const oldest: number[] = [];
  let settled = 0;
  let busyMs = 0;
  for (;;) {
    const next = partitions.reduce((first, each) => (each.freeMs < first.freeMs ? each : first));
    // The first export that it has not taken has arrived by then.
    const startMs = Math.max(next.freeMs, (next.taken + 1) / perMs);
    if (startMs >= endMs) break;
    const count = Math.min(hub.eventsPerBatch, Math.floor(startMs * perMs) - next.taken);
    if (count < 1) {
      next.freeMs = (next.taken + 1) / perMs + 1e-6;
      continue;
    }
    const endsMs = startMs + batchMs(hub, count, startMs, accounts);
    oldest.push(endsMs - (next.taken + 1) / perMs);
    next.taken += count;
    next.freeMs = endsMs;
    busyMs += Math.min(endsMs, endMs) - startMs;
    if (endsMs <= endMs) settled += count;
  }
  return {
    arrived: Math.floor(endMs * perMs) * hub.partitions,
    settled,
    settledPerSecond: settled / seconds,
    tableRequestsPerSecond: accounts.reduce((sum, { requests }) => sum + requests, 0) / seconds,
    eventsPerBatch: partitions.reduce((sum, { taken }) => sum + taken, 0) / oldest.length,
    oldestMs: percentiles(oldest),
    busy: busyMs / (endMs * hub.partitions),
  };
}

/** Read, lease, tell, settle, checkpoint: one after the other, as the journey does. */
function batchMs(hub: SimulatedHub, count: number, startMs: number, accounts: readonly StorageAccount[]): number {
  const { ledger, vendor, delaysMs, random } = hub;
  let changes = 0;
  for (let index = 0; index < count; index += 1) if (random() < hub.changing) changes += 1;
  let atMs = startMs + count * hub.computeMsPerExport;
  const roundsOf = (requests: number, concurrency: number, delayMs: number): number => {
    let longest = 0;
    let sum = 0;
    for (let request = 0; request < requests; request += 1) {
      const takesMs = jittered(delayMs, random);
      longest = Math.max(longest, takesMs);
      sum += takesMs;
    }
    // Who is done takes the next, so the work is shared evenly, and no request is shorter than
    // itself.
    return Math.max(longest, sum / concurrency);
  };
  const requests = requestsOf(changes, hub);
  const useLedger = (): void => {
    const waits = accounts.map((account, index) => account.waitMs(requests[index] ?? 0, atMs));
    const all = requests.reduce((sum, each) => sum + each, 0);
    atMs += Math.max(...waits) + roundsOf(all, ledger.concurrency, delaysMs.storage);
  };
  for (let time = 1; time < ledger.timesPerChange; time += 1) useLedger();
  atMs += roundsOf(Math.ceil(changes / vendor.changesPerRequest), vendor.concurrency, delaysMs.vendor);
  if (ledger.timesPerChange > 0) useLedger();
  return atMs + jittered(delaysMs.storage, random) - startMs;
}

/**
 * Requests to each account for so many changed rows: each row is in a bucket by chance, and rows of
 * one bucket share a request, or have one each.
 */
function requestsOf(changes: number, { ledger, ledgerAccounts, random }: SimulatedHub): readonly number[] {
  const requests = new Array<number>(ledgerAccounts).fill(0);
  const buckets = new Set<number>();
  for (let change = 0; change < changes; change += 1) {
    const bucket = Math.floor(random() * ledgerAccounts * bucketsPerAccount);
    if (ledger.isGrouped && buckets.has(bucket)) continue;
    buckets.add(bucket);
    const account = bucket % ledgerAccounts;
    requests[account] = (requests[account] ?? 0) + 1;
  }
  return requests;
}

/** In which times its requests are counted, in milliseconds. */
const slotMs = 10;

/** Answers at its rate at the most: what comes faster waits for a time that is not full. */
class StorageAccount {
  /** How many it was asked. */
  requests = 0;
  readonly #perSlot: number;
  /**
   * Requests of each slot that has any. Batches ask for times that are ahead of those of others, so
   * a slot fills in any order.
   */
  readonly #used = new Map<number, number>();

  constructor(requestsPerSecond: number) {
    this.#perSlot = (requestsPerSecond / 1_000) * slotMs;
  }

  waitMs(requests: number, atMs: number): number {
    this.requests += requests;
    let slot = Math.floor(atMs / slotMs);
    for (let left = requests; ; slot += 1) {
      const used = this.#used.get(slot) ?? 0;
      const taken = Math.min(left, this.#perSlot - used);
      this.#used.set(slot, used + taken);
      left -= taken;
      if (left <= 0) return Math.max(0, slot * slotMs - atMs);
    }
  }
}
