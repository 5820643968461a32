import type { ActivationFile } from '@activation-hub/activation-file';
import type { DeadLetters, RetryQueue } from '@activation-hub/delivery';
import type { Connector } from '@activation-hub/destination-kit';
import type { Ledger } from '@activation-hub/membership';
import type { Telemetry } from '@activation-hub/telemetry';
import type { ActivationContext, ReceivedEvent } from '../src/index.ts';

/**
 * What happens to one request at the destination: it is not taken, or it is, and what is answered
 * leaves doubt; there is no answer, and it has arrived, arrives about now, or much later; of its
 * changes only the first is taken; or it is rejected row by row, or no row's person is known.
 */
export type RequestFault =
  'none' | 'refused' | 'answered' | 'unheard' | 'unanswered' | 'late' | 'partly' | 'rejected' | 'not-found';

/**
 * What goes wrong, and when. Steps are counted over all workers; lists that are used up mean that
 * nothing more goes wrong.
 */
export interface Disturbances {
  /** By how much each worker's clock is wrong, in milliseconds; as many as there are workers. */
  readonly clockOffsetsMs: readonly number[];
  /** What happens to the first, second, … request. */
  readonly requests: readonly RequestFault[];
  /**
   * A process that takes one of these steps crashes in it, before or after the store or the
   * destination did its part.
   */
  readonly crashes: readonly number[];
  /** At these steps a store fails, after it did its part where the number is even. */
  readonly storeFailures: readonly number[];
  /**
   * Before these steps, so much time passes that all leases expire, as for a process that stands
   * still.
   */
  readonly standstills: readonly number[];
  /**
   * How much time passes before each piece of work; together less than the life of a lease less the
   * deadline.
   */
  readonly ticksMs: readonly number[];
  /** Whether a message of the retry queue is given to two workers. */
  readonly repeatsMessages: boolean;
}

/** How a control breaks the protocol. */
export interface Breakage {
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly connector?: (connector: Connector) => Connector;
  readonly retryQueue?: (queue: RetryQueue) => RetryQueue;
  readonly deadLetters?: (letters: DeadLetters) => DeadLetters;
  readonly telemetry?: (telemetry: Telemetry) => Telemetry;
}

/** Where workers and operators work. */
export interface WorldOptions {
  readonly breakage?: Breakage;
  /**
   * Texts of activation files, one after the other: a worker that begins something new reads the
   * newest.
   */
  readonly files?: readonly string[];
  /**
   * At these steps the next file is deployed: the first worker begins with it at once, each further
   * one so many steps later.
   */
  readonly fileChanges?: readonly number[];
  readonly replacedEvery?: number;
  readonly giveUpAfterMs?: number;
  /**
   * For how many days the destinations keep a member whom they are not told of again; for ever by
   * default.
   */
  readonly membershipDays?: number;
  /** How long a worker believes its cache; less than none, and it never does. */
  readonly cacheAgeMs?: number;
  /**
   * After how many keys without a row a worker expects none; 2 by default, and with none it always
   * does.
   */
  readonly expectAfterKeys?: number;
  /** How many changes an event brings for a file. One by default. */
  readonly changesOf?: (event: ReceivedEvent, file: ActivationFile) => number;
}

/** What an operator does, with the stores of a worker; it is done again when it failed. */
export interface Operation {
  readonly label: string;
  readonly run: (context: ActivationContext) => Promise<unknown>;
}
