import type { Route } from '@activation-hub/activation-file';
import type { Control } from '@activation-hub/delivery';
import type { Identity, MembershipState, Transition, UnreadableRows } from '@activation-hub/membership';

/**
 * What is known of one person: what each destination was told of them, what waits and what failed,
 * and what happened in the order of time. Data for a terminal, a page or another program; holds
 * personal data, for the person who asked. Times are epoch milliseconds.
 */
export interface PersonStory {
  /** As they were asked for. */
  readonly identities: readonly Identity[];
  /** Other identities of the person that the ledger's links name, which were looked for as well. */
  readonly linkedIdentities: readonly Identity[];
  /**
   * One for each row of the ledger, and one for each route of the file without any; in the order of
   * the file.
   */
  readonly routes: readonly RouteStory[];
  /** From old to new. */
  readonly events: readonly StoryEvent[];
  readonly retries: readonly StoryRetry[];
  readonly deadLetters: readonly StoryDeadLetter[];
  /** Names of retries and dead letters that cannot be read: the person may be in them. */
  readonly unreadable: readonly string[];
  /** Rows of the person, and links that may name more identities, that cannot be read. */
  readonly unreadableRows: UnreadableRows;
}

/**
 * Where a route stands with the person:
 * - `told`: the destination has the newest state;
 * - `being-told`: a process is at it, until its lease expires;
 * - `perhaps-told`: the lease has expired without an answer, or the destination may have taken
 *   something else since;
 * - `waiting`: a retry tells it; `waiting-for-nothing` when there is none in the queue;
 * - `paused`, `rejected`, `not-found`, `given-up`: as the row says;
 * - `withheld`: a member of the audience whom consent keeps out; `retired`: whom the mode of the
 *   route keeps out;
 * - `nothing-to-tell`: not a member, and the destination never knew the person;
 * - `shadowed`: decided and recorded in shadow mode, and not sent;
 * - `unknown`: there is no row, or none that can be read.
 */
export type StoryState = (typeof storyStates)[number];

export const storyStates = [
  'told',
  'being-told',
  'perhaps-told',
  'waiting',
  'waiting-for-nothing',
  'paused',
  'rejected',
  'not-found',
  'given-up',
  'withheld',
  'retired',
  'nothing-to-tell',
  'shadowed',
  'unknown',
] as const;

/** The person on one route, under one identity. */
export interface RouteStory {
  /** Key of the activation file. */
  readonly destination: string;
  /**
   * Key of the activation file; namespace and id of an audience that the file does not have any
   * more.
   */
  readonly audience: string;
  /** The mode by the file; `gone` when it has no such route any more. */
  readonly mode: Route['mode'] | 'gone';
  /** In the form in which the destination has it; absent where there is no row. */
  readonly identity?: Identity;
  readonly state: StoryState;
  /** The state in a sentence, without times. */
  readonly says: string;
  /** The operator's pause that holds the route, or its whole destination. */
  readonly pause?: Control;
  /** When the destination took what it has, as far as the history goes back. */
  readonly toldAtMs?: number;
  /** When a retry tries again; earlier when the circuit of the destination closes before. */
  readonly nextAttemptAtMs?: number;
  readonly leaseUntilMs?: number;
  /** The newest state that is known, and the one that the destination certainly took last. */
  readonly known?: MembershipState;
  readonly delivered?: MembershipState;
  readonly inDoubt: boolean;
  readonly history: readonly Transition[];
  /** How many transitions are not kept any more. */
  readonly omitted: number;
  /** The dead letters of this route, by name. */
  readonly deadLetters: readonly string[];
  readonly actions: readonly StoryAction[];
}

/** What a person can do about a route. */
export interface StoryAction {
  readonly action: 'resync' | 'replay' | 'retire' | 'resume' | 'retry-now' | 'plan';
  /** The command, in words, without the options that say where: `activation`, `resync`, `crm`, … */
  readonly command: readonly string[];
  /** What it is for, in a sentence. */
  readonly says: string;
}

/** Something that happened. */
export interface StoryEvent {
  readonly atMs: number;
  readonly what: 'export' | 'transition' | 'retry' | 'dead-letter';
  /** Absent for an export, which concerns all. */
  readonly destination?: string;
  readonly audience?: string;
  readonly identity?: Identity;
  readonly transition?: Transition;
  /** In a sentence, without times. */
  readonly says: string;
}

/** A retry that brings an event of the person, or is responsible for a row of theirs. */
export interface StoryRetry {
  readonly id: string;
  readonly destination: string;
  readonly attempts: number;
  readonly firstDeferredAtMs: number;
  readonly dueAtMs: number;
  /** Not before this time, whatever the circuit does; absent when it may be woken at any time. */
  readonly notBeforeMs?: number;
  readonly class: string;
  readonly reason: string;
  readonly isReplay: boolean;
  /** When the hub took the person's events that it brings. */
  readonly enqueuedAtMs: readonly number[];
}

/** A dead letter with an event of the person. */
export interface StoryDeadLetter {
  readonly name: string;
  /** Absent when the event could not be read. */
  readonly destination?: string;
  readonly outcome: 'unreadable' | 'rejected' | 'given-up';
  readonly class: string;
  readonly attempts: number;
  readonly enqueuedAtMs: number;
  readonly givenUpAtMs: number;
  readonly failures: readonly { readonly audience?: string; readonly path?: string; readonly reason: string }[];
}
