import type { ChangeKind } from '@activation-hub/destination-kit';
import type { Identity } from '@activation-hub/membership';
import type { ReceivedEvent } from '@activation-hub/delivery';
import type { Outcome } from '@activation-hub/telemetry';

/**
 * One change as it ended, or was deferred. Holds personal data: it is for the person at this
 * machine, never for logs.
 */
export interface ObservedChange extends ObservedSubject {
  /** Key of the activation file. */
  readonly destination: string;
  readonly outcome: Outcome;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** What a change is about, as far as it is known where it ends. */
export interface ObservedSubject {
  /** Key of the audience in the activation file. */
  readonly audience?: string;
  /** In the form in which the destination gets it; absent when there is none. */
  readonly identity?: Identity;
  /** What AEP says of the membership. */
  readonly status?: 'realized' | 'exited';
  /** What the destination was told, or will be told. */
  readonly kind?: ChangeKind;
  readonly changeId?: string;
  /** Why it is not delivered, in the words of the destination or of its connector. */
  readonly class?: string;
  readonly reason?: string;
  readonly event?: Pick<ReceivedEvent, 'partitionId' | 'sequenceNumber' | 'enqueuedAtMs'>;
}

/** Takes changes as they end. It must not throw, and is not waited for. */
export type ObserveChange = (change: ObservedChange) => void;
