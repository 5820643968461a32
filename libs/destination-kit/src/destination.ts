import type { z } from 'zod';
import type { ApiVersions } from './api-versions.ts';
import type { Change } from './change.ts';
import type { FormedValue } from './formed-value.ts';
import type { HttpClient } from './http.ts';
import type { HttpRequest } from './http-message.ts';
import type { Takes } from './takes.ts';
import type { Verdict } from './verdict.ts';

/**
 * A connector that is set up for one configured destination. It describes requests and judges
 * responses; it never batches, waits, retries, limits, hashes or dead-letters: that is done around
 * it, once for all.
 *
 * Each method takes a batch of changes of one direction, no larger than the definition's limits (a
 * single is a batch of one; an empty batch is a defect of the caller), gives exactly one verdict
 * per change id in any order, and throws `DestinationError`, and nothing else, when the request as
 * a whole failed. Repeating a batch must do no harm.
 */
export interface Connector<Options = unknown> {
  enter(deliveries: readonly Delivery<Options>[], signal: AbortSignal): Promise<readonly Verdict[]>;
  update(deliveries: readonly Delivery<Options>[], signal: AbortSignal): Promise<readonly Verdict[]>;
  exit(deliveries: readonly Delivery<Options>[], signal: AbortSignal): Promise<readonly Verdict[]>;
  /**
   * Polls the results of changes that the vendor accepted under this receipt; all of one direction.
   * Needed where `accepted` is a verdict. Changes nothing at the vendor, and gives one verdict per
   * change id: `accepted` while the vendor does not know, `retry` for a change that must be sent
   * anew. Throws `DestinationError`: class `invalid` when some were refused and the vendor does not
   * say which, for then they are told anew in halves; after any other the vendor is asked again
   * later.
   */
  poll?(receipt: string, deliveries: readonly Delivery<Options>[], signal: AbortSignal): Promise<readonly Verdict[]>;
  /**
   * Looks whether the credentials work and what the options of these routes name is there and fit;
   * changes nothing. Gives one sentence per problem, each with what to do; none when all is well.
   * Throws `DestinationError` when it cannot look, also because the credentials are refused.
   */
  probe?(options: readonly Options[], signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Takes persons, by identities as AEP has them or in the form of the destination, out of all that
   * the vendor keeps of them in the account: also of lists that no route names any more. For
   * `activation forget --tell`, after the exits; absent where the vendor has no call for that.
   * Repeating it does no harm. Throws `DestinationError`.
   */
  forget?(identities: readonly Change['identity'][], signal: AbortSignal): Promise<void>;
  /**
   * Closes connections of the connector's own, which would keep a process alive; absent when it has
   * none. Nothing is told after it.
   */
  close?(): Promise<void>;
}

/** A change with the options of its route, as the definition's `options` schema gives them. */
export interface Delivery<Options = unknown> {
  readonly change: Change;
  readonly options: Options;
}

/** What the connector needs of the world; everything else is in its settings. */
export interface ConnectorContext {
  readonly http: HttpClient;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where a destination that prints writes its lines. */
  readonly print: (line: string) => void;
  /**
   * Only in a dry run, in which nothing may be sent and secrets are not the real ones: `http` then
   * records what it is given, and a connector of another protocol gives what it would send to this,
   * written as a request, and opens no connection.
   */
  readonly record?: (request: HttpRequest) => void;
  /**
   * Gives the headers of W3C Trace Context for the request that is sent now, for a receiver of the
   * user's own; none when it is not traced. Absent when nothing is.
   */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
}

/** How much may go into one request, and how fast requests may follow each other. */
export interface DestinationLimits {
  /** Changes per request, at most. */
  readonly batchCount: number;
  /** Bytes of the changes of one request as JSON, at most. */
  readonly batchBytes: number;
  readonly requestsPerSecond: number;
  /** Requests under way at once. */
  readonly concurrency: number;
}

/** What helps to choose between destinations, each in a few words. */
export interface Comparison {
  /** What the vendor does with a person who enters. */
  readonly enters: string;
  readonly leaves: string;
  /**
   * For how long it keeps a member of whom it is not told again; absent where that is until the
   * exit.
   */
  readonly keeps?: string;
  /**
   * What the vendor's documents say of how long a membership lasts, where it declares no end;
   * absent where the destination is one's own.
   */
  readonly lasting?: string;
  /** What of the person is hashed before it is sent. */
  readonly hashed: string;
  /** How late the vendor shows it. */
  readonly shownAfter: string;
  /** What `activation forget` leaves at the vendor. */
  readonly erasure: string;
  /** What was never tried against the vendor itself. */
  readonly untried: string;
}

/**
 * A kind of third party, as one declared value: what it is called, what it is told, what it must be
 * configured with.
 */
export interface DestinationDefinition<Settings extends z.ZodType = z.ZodType, Options extends z.ZodType = z.ZodType> {
  /** The `type` of the activation file: kebab case. */
  readonly type: string;
  readonly title: string;
  readonly description: string;
  /** What a person configures once per destination; secrets are declared with `secret()`. */
  readonly settings: Settings;
  /** What a person says per route. */
  readonly options: Options;
  /**
   * The vendor's limits, which a person may lower in the activation file; a function where settings
   * decide.
   */
  limits(settings: z.output<Settings>): DestinationLimits;
  /** What may share a request: anything for the destination, or only changes of one route. */
  readonly batchBy: 'destination' | 'route';
  /**
   * How long the retry queue retries a change that the vendor does not accept, in milliseconds,
   * unless the activation file says otherwise; a day when absent. Longer where the vendor may take
   * a day to report the result of accepted changes.
   */
  readonly giveUpAfterMs?: number;
  /**
   * The identity of this namespace (lower case) in the form in which the destination gets it,
   * normalised and hashed: what the ledger keeps and a change carries. Refused with a few words
   * that hold nothing of the value. Pure, and the same for ever for the same settings, else the
   * ledger would take a person for two; forming a formed value gives the same. When absent: as it
   * is.
   */
  identity?(
    identity: { readonly namespace: string; readonly value: string },
    settings: z.output<Settings>,
  ): FormedValue;
  /**
   * For how many days the vendor keeps a member whom it is not told of again, by the options of the
   * route and the namespace (lower case) of the identity; `undefined`, and for all when absent:
   * until it is told that the person has left. The ledger tells the vendor of each again in time,
   * at least twice in that time, so telling a member again MUST renew the membership. Pure.
   */
  membershipDays?(settings: z.output<Settings>, options: z.output<Options>, namespace: string): number | undefined;
  /**
   * What is taken of a person by these settings and the options of a route; any identity and any
   * attribute when absent. Pure.
   */
  takes?(settings: z.output<Settings>, options: z.output<Options>): Takes;
  /** For the page that compares destinations. */
  readonly comparison?: Comparison;
  /** The versions of the vendor's API, of which the setting that it names is one. */
  readonly versions?: ApiVersions;
  /**
   * Makes the connector. It sends no request; it throws `DestinationError` of class `set-up` when
   * the settings cannot work (a URL that the HTTP client would refuse, a secret in the wrong form),
   * so that a wrong file stops the start.
   */
  connect(settings: z.output<Settings>, context: ConnectorContext): Connector<z.output<Options>>;
}
