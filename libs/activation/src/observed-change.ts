import type { ChangeKind } from '@activation-hub/destination-kit';
import type { Identity } from '@activation-hub/membership';
import type { ReceivedEvent } from '@activation-hub/delivery';
import type { Outcome } from '@activation-hub/telemetry';
import type { DeliveredRow } from './deliver-rows.ts';
import type { DesiredMembership, RoutedPerson } from './resolve-memberships.ts';

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

/** What a membership that was not told, or not yet, is about. */
export function subjectOf(of: DesiredMembership | RoutedPerson): ObservedSubject {
  const { audience, state, event } = of;
  const identity = 'key' in of ? { identity: of.key.identity } : {};
  return { audience: audience.key, status: state.status, ...fromEvent(event), ...identity };
}

/** What a row that was told is about, with what the destination said. */
export function subjectOfTold({ audience, key, kind, state, changeId, event, result }: DeliveredRow): ObservedSubject {
  return {
    audience: audience.key,
    identity: key.identity,
    status: state.status,
    kind,
    changeId,
    ...('class' in result ? { class: result.class } : {}),
    ...('reason' in result ? { reason: result.reason } : {}),
    ...fromEvent(event),
  };
}

/** From which event a change comes, without its body. */
export function fromEvent(event: ReceivedEvent | undefined): Pick<ObservedSubject, 'event'> {
  if (event === undefined) return {};
  const { partitionId, sequenceNumber, enqueuedAtMs } = event;
  return { event: { partitionId, sequenceNumber, enqueuedAtMs } };
}
