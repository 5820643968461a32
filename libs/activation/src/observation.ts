import type { ChangeKind, HttpRequest, HttpResponse } from '@activation-hub/destination-kit';
import type { Identity } from '@activation-hub/membership';
import type { ObservedChange } from './observed-change.ts';

/**
 * What a function app on a developer's machine says besides its log: with personal data, and with
 * the secrets of its requests.
 */
export type Observation =
  | ObservedEvent
  | ({ readonly is: 'change' } & ObservedChange)
  | ObservedAttempt
  | { readonly is: 'circuits'; readonly circuits: readonly ObservedCircuit[] }
  /** So many observations were left out, because they came faster than they were taken. */
  | { readonly is: 'left-out'; readonly count: number };

/** An event as the hub gave it. */
export interface ObservedEvent {
  readonly is: 'event';
  readonly partitionId: string;
  readonly sequenceNumber: number;
  readonly enqueuedAtMs: number;
  /** As text, whatever its bytes are. */
  readonly body: string;
}

/**
 * One call of a connector: what it was to tell, the requests that it made for that, and what it
 * said of the answers.
 */
export interface ObservedAttempt {
  readonly is: 'attempt';
  readonly destination: string;
  readonly atMs: number;
  readonly durationMs: number;
  readonly changes: readonly {
    readonly id: string;
    readonly kind: ChangeKind;
    readonly audience: string;
    readonly identity: Identity;
    /** A word of the verdict, or of the failure of the whole. */
    readonly verdict: string;
    readonly reason?: string;
  }[];
  readonly exchanges: readonly ObservedExchange[];
}

/** A request with its answer, or with what came in place of one. */
export interface ObservedExchange {
  readonly request: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>;
  readonly response?: HttpResponse;
  readonly failure?: string;
  readonly durationMs: number;
}

export interface ObservedCircuit {
  readonly destination: string;
  /** `paused`: an operator holds it open. */
  readonly state: 'closed' | 'open' | 'half-open' | 'paused';
  /** When the next request may go, in epoch milliseconds. */
  readonly untilMs?: number;
  /** The failure because of which it is open. */
  readonly reason?: string;
}
