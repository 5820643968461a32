import type { BareReceipt } from './bench-hub.ts';
import type { SettledBatch } from './hub-process.ts';
import { mean, percentile } from './statistics.ts';

/** One change on its way; times are those of `monotonicMs`. */
export interface Journey {
  readonly acceptedMs: number;
  readonly bare: BareReceipt;
  readonly toldMs: number;
}

/** Where the time of a change goes, in milliseconds; together they are its latency. */
export interface Stages {
  /** The batch before it, of the same partition, is at work. */
  readonly behindMs: number;
  /**
   * No batch of its partition is at work, and none has it: hub, SDK, the checkpoint of the batch
   * before.
   */
  readonly readingMs: number;
  /**
   * Its batch is at work, and the receiver has not heard of it: the way to the worker, the ledger,
   * the request.
   */
  readonly tellingMs: number;
}

/**
 * Finds the batch of a change, and the one before it. Undefined for a change whose batch was not
 * seen.
 */
export class Batches {
  readonly #byPartition: ReadonlyMap<string, readonly SettledBatch[]>;

  constructor(batches: readonly SettledBatch[]) {
    this.#byPartition = new Map(
      [...Map.groupBy(batches, ({ partitionId }) => partitionId)].map(([partitionId, of]) => [
        partitionId,
        of.toSorted((left, right) => left.firstSequenceNumber - right.firstSequenceNumber),
      ]),
    );
  }

  stagesOf({ acceptedMs, bare, toldMs }: Journey): Stages | undefined {
    const batches = this.#byPartition.get(bare.partitionId) ?? [];
    const index = batches.findIndex(({ lastSequenceNumber }) => lastSequenceNumber >= bare.sequenceNumber);
    const batch = batches[index];
    if (batch === undefined) return undefined;
    // A hub hands an event on as it says that it has it, so a batch can begin before the sender
    // knows.
    const calledMs = Math.max(acceptedMs, batch.startedMs);
    const freeMs = Math.min(calledMs, Math.max(acceptedMs, batches[index - 1]?.endedMs ?? acceptedMs));
    return { behindMs: freeMs - acceptedMs, readingMs: calledMs - freeMs, tellingMs: Math.max(0, toldMs - calledMs) };
  }
}

export interface StageShares {
  readonly behind: number;
  readonly reading: number;
  readonly telling: number;
}

/**
 * The means of the stages in milliseconds, of all changes, and of the slowest twentieth, which make
 * p95.
 */
export function stageMeans(journeys: readonly Journey[], batches: readonly SettledBatch[]) {
  const lookUp = new Batches(batches);
  const slowMs = percentile(journeys.map(latencyMs), 0.95);
  const meansOf = (of: readonly Journey[]): StageShares => {
    const stages = of.flatMap((journey) => lookUp.stagesOf(journey) ?? []);
    return {
      behind: mean(stages.map(({ behindMs }) => behindMs)),
      reading: mean(stages.map(({ readingMs }) => readingMs)),
      telling: mean(stages.map(({ tellingMs }) => tellingMs)),
    };
  };
  return { all: meansOf(journeys), slowest: meansOf(journeys.filter((each) => latencyMs(each) >= slowMs)) };
}

export function latencyMs({ acceptedMs, toldMs }: Journey): number {
  return toldMs - acceptedMs;
}
