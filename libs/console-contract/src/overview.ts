import type { Fault } from './try-it.ts';

/**
 * How everything is. On this machine it is sent each second, and counts since the server runs; of
 * an environment it is what was found when it was last looked at, and what is absent could not be
 * read: `attention` says why.
 */
export interface Overview {
  readonly atMs: number;
  /** What needs a person, the worst first. */
  readonly attention: readonly Attention[];
  /** One for each route. */
  readonly cells: readonly MatrixCell[];
  readonly circuits: readonly Circuit[];
  /** What is wrong with stand-ins that the page has broken, by destination. */
  readonly faults: Readonly<Record<string, Fault>>;
  readonly partitions?: readonly PartitionLag[];
  readonly deadLetters?: number;
  /** Changes that wait for another attempt. */
  readonly waiting?: number;
  /** Exports that the handler took since the server runs; only of this machine. */
  readonly exports?: number;
  /** How the ledger was read; only of an environment. */
  readonly ledger?: { readonly rows: number; readonly tookMs: number };
}

export interface Attention {
  readonly level: 'problem' | 'notice';
  /** What is wrong, in a sentence. */
  readonly text: string;
  /** What to do, in a sentence. */
  readonly advice: string;
  /** Where on the page it can be seen to. */
  readonly link: string;
}

/** One audience at one destination. */
export interface MatrixCell {
  readonly audience: string;
  readonly destination: string;
  readonly mode: string;
  /**
   * How many changes ended in each outcome since the server runs; of an environment, how many rows
   * stand so.
   */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Whom the destination has, by the ledger; only of an environment. */
  readonly members?: number;
  /** Changes that wait for another attempt. */
  readonly waiting: number;
  /** Changes in the last 60 points of the series: a minute, or of an environment an hour. */
  readonly lately: number;
  /** When a change was last delivered. */
  readonly deliveredAtMs?: number;
  /**
   * `failing`: its circuit is open, or the last change was rejected. `unknown`: the ledger could
   * not be read.
   */
  readonly health: 'well' | 'waiting' | 'failing' | 'quiet' | 'unknown';
}

export interface Circuit {
  readonly destination: string;
  readonly state: 'closed' | 'open' | 'half-open' | 'paused';
  readonly untilMs?: number;
  readonly reason?: string;
}

export interface PartitionLag {
  readonly partitionId: string;
  /** Events that are in the hub and not settled. */
  readonly events: number;
  /** Of the last event, -1 without one; only of this machine. */
  readonly lastSequenceNumber?: number;
  /** When the oldest of the events that are behind was enqueued; only of an environment. */
  readonly oldestEnqueuedAtMs?: number;
}

/** What happened in one step of time: a second, or of an environment a minute. */
export interface SeriesPoint {
  readonly atMs: number;
  readonly delivered: number;
  readonly deferred: number;
  /** Rejected or given up. */
  readonly failed: number;
  /** Unchanged, withheld and whatever else needed no request. */
  readonly silent: number;
  /** From hub to destination, of what was delivered; absent where nothing was. */
  readonly ageMedianMs?: number;
  readonly ageHighMs?: number;
}
