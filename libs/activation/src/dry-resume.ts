import type { Matcher } from '@activation-hub/activation-file';
import {
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  isUnreadable,
  rowsOf,
  type Clock,
  type ControlScope,
  type DeferredRow,
  type Retry,
  type RetryQueue,
  type Target,
} from '@activation-hub/delivery';
import { DryLedger, type Identity, type Ledger } from '@activation-hub/membership';
import { silentTelemetry } from '@activation-hub/telemetry';
import { defaultTiming, type ActivationContext } from './activation-context.ts';
import { activate } from './activate.ts';
import { LedgerCache } from './ledger-cache.ts';
import { RetriesInWork } from './retries-in-work.ts';
import type { ObservedChange } from './observed-change.ts';
import { presentKey } from './stored-names.ts';
import { retryWork } from './work.ts';

/** What a dry run of what waits works with. */
export interface DryResumeContext {
  readonly matcher: Matcher;
  readonly ledger: Pick<Ledger, 'read' | 'rows'>;
  readonly retryQueue: Pick<RetryQueue, 'waiting'>;
  /** Targets that record requests instead of sending them, on the same clock. */
  readonly targets: ReadonlyMap<string, Target>;
  /** Its `sleep` should not wait: the pace of a destination is kept in a dry run too. */
  readonly clock: Clock;
}

/** Of what: of a destination, of one of its routes, or of one person there. */
export interface DryScope extends ControlScope {
  readonly destination: string;
  /** In the form in which the destination gets it. */
  readonly identity?: Identity;
}

/** What a destination would be told if what waits for it were tried now. */
export interface DryResumed {
  /**
   * Each change as it would end, in the order in which it would be told; personal data. `delivered`
   * would be sent, and so would `deferred` of the class `accepted`; `rejected` and `not-found`
   * would be refused, with the reason.
   */
  readonly changes: readonly ObservedChange[];
  /** How many changes wait besides, the oldest, which were not looked at. */
  readonly leftOut: number;
  /** Names of retries that cannot be read. */
  readonly unreadable: readonly string[];
}

/** So many changes of one destination are looked at, the newest, unless it is asked for others. */
const changesMax = 1_000;
/** A dry run knows what it has written itself. */
const cacheOptions = { bytesMax: 1024 * 1024, ageMaxMs: 60_000 };

/**
 * Goes the way of every retry that waits for a destination, the newest first, as `resume` makes
 * them come, and changes nothing: the ledger is read, and what is written stays in this process. So
 * each person counts once, in the newest state, with the batches in which it would be told. What a
 * destination has accepted already, and is only asked for, is left out. Throws when a store cannot
 * be reached.
 */
export async function dryResume(
  scope: DryScope,
  { matcher, ledger, retryQueue, targets, clock }: DryResumeContext,
  signal: AbortSignal,
  countMax = changesMax,
): Promise<DryResumed> {
  const { retries, leftOut, unreadable } = await newestOf(scope, { matcher, retryQueue }, countMax, signal);
  const changes: ObservedChange[] = [];
  const context: ActivationContext = {
    matcher,
    targets,
    ledger: new DryLedger(ledger),
    ledgerCache: new LedgerCache(cacheOptions),
    deadLetters: new InMemoryDeadLetters(),
    retryQueue: new InMemoryRetryQueue(),
    retriesInWork: new RetriesInWork(),
    // Every refused change is shown, whatever their number.
    stall: { share: 1, minimum: Infinity },
    telemetry: silentTelemetry,
    timing: { ...defaultTiming, waitMaxMs: defaultTiming.deadlineMs },
    clock,
    observe: (change) => {
      if (change.outcome !== 'unchanged' && change.outcome !== 'superseded') changes.push(change);
    },
  };
  for (const retry of retries) {
    signal.throwIfAborted();
    await activate(retryWork(retry), context);
  }
  return { changes, leftOut, unreadable };
}

async function newestOf(
  scope: DryScope,
  { matcher, retryQueue }: Pick<DryResumeContext, 'matcher' | 'retryQueue'>,
  countMax: number,
  signal: AbortSignal,
): Promise<{ readonly retries: readonly Retry[]; readonly leftOut: number; readonly unreadable: readonly string[] }> {
  const unreadable: string[] = [];
  let kept: Retry[] = [];
  let count = 0;
  let leftOut = 0;
  const cut = (): void => {
    kept = kept.toSorted((left, right) => right.firstDeferredAtMs - left.firstDeferredAtMs);
    for (
      let oldest = kept.at(-1);
      oldest !== undefined && count - rowsOf(oldest).length >= countMax;
      oldest = kept.at(-1)
    ) {
      kept.pop();
      count -= rowsOf(oldest).length;
      leftOut += rowsOf(oldest).length;
    }
  };
  for await (const retry of retryQueue.waiting(signal)) {
    if (isUnreadable(retry)) {
      unreadable.push(retry.unreadable);
      continue;
    }
    const own = presentKey(retry.destination, matcher) === scope.destination;
    const part = own && retry.receipts === undefined ? partOf(retry, scope, matcher) : undefined;
    if (part === undefined) continue;
    kept.push(part);
    count += rowsOf(part).length;
    // Events are large: no more of them are held than are looked at, or twice that.
    if (count > countMax * 2) cut();
  }
  cut();
  return { retries: kept, leftOut, unreadable };
}

/** The part of a retry that is about the scope; undefined when nothing of it is. */
function partOf(retry: Retry, scope: DryScope, matcher: Matcher): Retry | undefined {
  const audienceOf = (row: DeferredRow): string | undefined => matcher.routeOf(row)?.audience.key;
  const isMeant = (row: DeferredRow): boolean =>
    (scope.audience === undefined || audienceOf(row) === scope.audience) &&
    (scope.identity === undefined ||
      (row.identity.namespace === scope.identity.namespace && row.identity.value === scope.identity.value));
  const events = retry.events.flatMap((from) => {
    const rows = from.rows.filter(isMeant);
    if (rows.length === 0) return [];
    const meant = new Set(rows.map(audienceOf));
    return [{ ...from, rows, audiences: from.audiences.filter((audience) => meant.has(audience)) }];
  });
  const rows = retry.rows.filter(isMeant);
  return events.length + rows.length === 0 ? undefined : { ...retry, events, rows };
}
