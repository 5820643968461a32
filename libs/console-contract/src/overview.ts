import type { Fault } from './try-it.ts';

/** How everything is, sent each second. */
export interface Overview {
  readonly atMs: number;
  /** What needs a person, the worst first. */
  readonly attention: readonly Attention[];
  /** One for each route. */
  readonly cells: readonly MatrixCell[];
  readonly circuits: readonly Circuit[];
  /** What is wrong with stand-ins that somebody has broken, by destination. */
  readonly faults: Readonly<Record<string, Fault>>;
  readonly partitions: readonly PartitionLag[];
  readonly deadLetters: number;
  /** Changes that wait for another attempt. */
  readonly waiting: number;
  /** Exports that the handler took, and changes that ended, since the server runs. */
  readonly exports: number;
  readonly changes: number;
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
  /** How many changes ended in each outcome since the server runs. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Changes that wait for another attempt. */
  readonly waiting: number;
  /** Changes in the last minute. */
  readonly perMinute: number;
  /** When a change was last delivered. */
  readonly deliveredAtMs?: number;
  /** `failing`: its circuit is open, or the last change was rejected. */
  readonly health: 'well' | 'waiting' | 'failing' | 'quiet';
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
  readonly lastSequenceNumber: number;
}

/** What happened in one second. */
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
