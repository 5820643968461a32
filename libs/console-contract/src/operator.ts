import type { InspectedExport } from './try-it.ts';
/** `POST /api/people/explain`: one person's story. Holds personal data. */
export interface PersonView {
  /** As they were asked for, and those that the ledger links with them: `crmid C-1`. */
  readonly identities: readonly string[];
  readonly linked: readonly string[];
  readonly routes: readonly PersonRoute[];
  /** From old to new. */
  readonly events: readonly PersonEvent[];
  /** Names of what could not be read: the person may be in it. */
  readonly unreadable: readonly string[];
}

export interface PersonRoute {
  readonly destination: string;
  readonly audience: string;
  readonly mode: string;
  readonly identity?: string;
  readonly state: string;
  readonly says: string;
  readonly toldAtMs?: number;
  readonly nextAttemptAtMs?: number;
  /** An operator has paused it, or put it into shadow: nothing is told meanwhile. */
  readonly pause?: Pick<PauseView, 'by' | 'reason' | 'untilMs' | 'isShadow'>;
  readonly inDoubt: boolean;
  readonly deadLetters: readonly string[];
  readonly actions: readonly { readonly action: string; readonly says: string; readonly command: string }[];
}

export interface PersonEvent {
  readonly atMs: number;
  readonly what: string;
  readonly destination?: string;
  readonly audience?: string;
  readonly says: string;
  /** How often it happened in the same way, and since when. */
  readonly times?: number;
  readonly firstAtMs?: number;
}

/** `POST /api/people/resync`, `/take-out` and `/erase`. */
export interface PersonAct {
  /** Each as `namespace:identity`. */
  readonly people: readonly string[];
  readonly dryRun: boolean;
  /** Only this destination; of an erasure all are meant. */
  readonly destination?: string;
}

export interface ActResult {
  /** What was done, or would be, a line each. */
  readonly lines: readonly string[];
  /** What could not be done, a sentence each. */
  readonly problems: readonly string[];
  /**
   * Of a purge: when the newest of the letters was given up. As `givenUpToMs` of the filter it
   * keeps those out that have come since they were shown.
   */
  readonly newestGivenUpAtMs?: number;
}

export interface DeadLetterFilterView {
  readonly destination?: string;
  readonly class?: string;
  readonly reason?: string;
  /** Epoch milliseconds. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only this one. */
  readonly name?: string;
  /** Only those that were given up then or earlier. */
  readonly givenUpToMs?: number;
}

/** `GET /api/dead-letters`: the newest that pass the filter. */
export interface DeadLetterList {
  readonly letters: readonly DeadLetterView[];
  readonly counts: readonly { readonly destination: string; readonly class: string; readonly letters: number }[];
  readonly unreadable: readonly string[];
  /** How many more pass by their name, and were not read. */
  readonly more: number;
}

export interface DeadLetterView {
  readonly name: string;
  /** Absent when the event could not be read. */
  readonly destination?: string;
  readonly class: string;
  readonly outcome: string;
  readonly attempts: number;
  readonly givenUpAtMs: number;
  readonly enqueuedAtMs: number;
  readonly reasons: readonly string[];
  readonly bodyBytes: number;
}

/** `GET /api/dead-letters/:name`: with the event. */
export interface DeadLetterDetail extends DeadLetterView {
  readonly body: string;
}

/** Work that takes a while: `POST` starts it, `GET /api/jobs/:id` says how far it is. */
export interface JobStarted {
  readonly job: string;
}

export interface JobView {
  readonly done: number;
  /** Absent while it is not known. */
  readonly total?: number;
  readonly isOver: boolean;
  readonly result?: ActResult;
  readonly failure?: string;
}

/** `GET /api/destinations`. */
export interface DestinationView {
  readonly key: string;
  readonly type: string;
  readonly title: string;
  readonly about: string;
  /** As the activation file has them; secrets by their names alone. YAML. */
  readonly settings: string;
  readonly limits: DestinationLimitsView;
  readonly giveUpAfterMs: number;
  readonly routes: readonly { readonly audience: string; readonly mode: string }[];
  /** What the vendor says of the version that is used; absent where there is nothing to say. */
  readonly versionWarning?: string;
  readonly requestsLastMinute?: number;
  readonly busiestSecond?: number;
  /**
   * What the ledger says of it; only of an environment, whose circuits are in its workers. Absent
   * while the ledger could not be read.
   */
  readonly ledger?: DestinationLedgerView;
  /** The last attempts that were not taken whole, the newest first. */
  readonly failures: readonly DestinationFailure[];
}

export interface DestinationLedgerView {
  /** Changes that wait for another attempt. */
  readonly waiting: number;
  /** When it took something last. */
  readonly toldAtMs?: number;
}

export interface DestinationLimitsView {
  readonly requestsPerSecond: number;
  readonly concurrency: number;
  readonly batchCount: number;
  readonly batchBytes: number;
}

export interface DestinationFailure {
  readonly atMs: number;
  readonly verdict: string;
  readonly reason: string;
  readonly httpStatus?: number;
  readonly changes: number;
}

/** `GET /api/pauses`: the pauses that an operator has not resumed and whose time is not over. */
export interface PauseView {
  /** In words. */
  readonly what: string;
  /** Absent for everything. */
  readonly destination?: string;
  readonly audience?: string;
  readonly atMs: number;
  readonly untilMs?: number;
  /** A pause in which one looks at what would be told. */
  readonly isShadow?: true;
  readonly by: string;
  readonly reason: string;
}

/**
 * `POST /api/destinations/:key/held`: what the destination would be told if what waits for it were
 * tried now.
 */
export interface HeldView {
  readonly routes: readonly HeldRoute[];
  readonly refusals: readonly { readonly class: string; readonly reason: string; readonly changes: number }[];
  /** Those that a stand-in of the vendor got in its place, in order. */
  readonly requests: InspectedExport['requests'];
  readonly printed: readonly string[];
  /** Why no request can be shown; absent when they can. */
  readonly notShown?: string;
  /** So many changes wait besides, the oldest, which were not looked at. */
  readonly leftOut: number;
  /** Names of retries that cannot be read. */
  readonly unreadable: readonly string[];
}

/** How many people a route would tell of, and how many of them the connector would refuse. */
export interface HeldRoute {
  readonly audience: string;
  readonly entered: number;
  readonly updated: number;
  readonly exited: number;
  readonly refused: number;
}

/** `POST /api/destinations/:key/probe`. */
export interface ProbeView {
  readonly outcome: 'well' | 'problems' | 'not-asked';
  readonly problems: readonly string[];
}

/** `GET /api/file`: as it is on disk now. */
export interface FileView {
  readonly path: string;
  readonly text: string;
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
  readonly routes: readonly FileRoute[];
}

export interface FileProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export interface FileRoute {
  readonly audience: string;
  readonly destination: string;
  readonly mode: string;
  readonly identity: string;
  readonly attributes: readonly string[];
  /** The attribute that must say yes; absent where none is asked for. */
  readonly consent?: string;
}

/** `GET /api/plan`: the file against the ledger. */
export interface PlanView {
  readonly routes: readonly {
    readonly audience: string;
    readonly destination: string;
    readonly mode: string;
    readonly members: number;
    readonly isNew: boolean;
    readonly notes: readonly string[];
  }[];
  readonly leftBehind: readonly { readonly name: string; readonly members: number; readonly why: string }[];
}
