import { randomUUID } from 'node:crypto';
import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import { deliver, type Clock, type DeliveryResult, type Target } from '@activation-hub/delivery';
import type { Change, Delivery } from '@activation-hub/destination-kit';
import {
  changeId,
  lease,
  ledgerKeyText,
  settle,
  type Ledger,
  type LedgerEntry,
  type LedgerRecord,
  type LedgerRow,
} from '@activation-hub/membership';
import type { Telemetry } from '@activation-hub/telemetry';
import type { Timing } from './activation-context.ts';

export interface ResyncParts {
  readonly ledger: Ledger;
  readonly target: Target;
  /** The audiences of the activation file that are to be told; those without a live route to the target are left out. */
  readonly audiences: Iterable<AudienceEntry>;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly timing: Timing;
}

export interface ResyncOptions {
  /** Stops before the next batch. */
  readonly signal: AbortSignal;
  readonly onProgress?: (counts: Resynced) => void;
}

/** What became of the rows of a destination. */
export interface Resynced {
  /** Rows seen that the destination should know. */
  readonly rows: number;
  readonly delivered: number;
  /** Somebody else wrote the row meanwhile, or is telling the destination: theirs is the newer state. */
  readonly leftAlone: number;
  /** Not taken; the next export of the person tells it, and so does another resync. By reason. */
  readonly failed: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** True when a whole batch failed, so that the rest was not tried. */
  readonly gaveUp: boolean;
}

/** What may be told together. */
const batchRows = 100;
/** How often a row that changes hands while it is told is put right before it is left for the next export. */
const roundsMax = 3;

/** How many rows `resync` would tell. */
export async function countResync(
  { ledger, target, audiences, clock }: Omit<ResyncParts, 'telemetry' | 'timing'>,
  signal: AbortSignal,
): Promise<number> {
  const routes = liveRoutes(audiences, target.key);
  let count = 0;
  for await (const entry of ledger.rows({ destination: target.key }, signal))
    if (isDue(entry, routes, clock.now())) count += 1;
  return count;
}

/**
 * Tells a destination that lost its memory everything that the ledger says it should know: everybody who is in an audience
 * of it enters anew, with the attributes of the row. Rows are leased, told and settled as in the journey, so that it may run
 * beside the function. Rows that are refused, or that wait in the retry queue, are not told here.
 *
 * It may be stopped and started again; it then begins anew. Throws when the ledger cannot be reached.
 */
export async function resync(parts: ResyncParts, { signal, onProgress }: ResyncOptions): Promise<Resynced> {
  const routes = liveRoutes(parts.audiences, parts.target.key);
  const counts = {
    rows: 0,
    delivered: 0,
    leftAlone: 0,
    failed: 0,
    reasons: {} as Record<string, number>,
    gaveUp: false,
  };
  let batch: Plan[] = [];
  const tellBatch = async (): Promise<void> => {
    const before = { ...counts };
    await tellRows(batch, parts, (outcome) => {
      if ('reason' in outcome) counts.reasons[outcome.reason] = (counts.reasons[outcome.reason] ?? 0) + 1;
      counts[outcome.is] += 1;
    });
    batch = [];
    counts.gaveUp = counts.delivered === before.delivered && counts.failed > before.failed;
    onProgress?.({ ...counts });
  };
  for await (const entry of parts.ledger.rows({ destination: parts.target.key }, new AbortController().signal)) {
    if (signal.aborted || counts.gaveUp) break;
    const route = isDue(entry, routes, parts.clock.now());
    if (route === undefined) continue;
    counts.rows += 1;
    batch.push({ key: entry.key, row: entry, ...route });
    if (batch.length === batchRows) await tellBatch();
  }
  if (batch.length > 0 && !signal.aborted) await tellBatch();
  return counts;
}

/** A row with its route options. */
interface Plan extends LiveRoute {
  readonly key: LedgerEntry['key'];
  readonly row: LedgerRow;
}

interface LiveRoute {
  readonly audience: AudienceEntry;
  readonly route: Route;
}

type Outcome = { readonly is: 'delivered' | 'leftAlone' } | { readonly is: 'failed'; readonly reason: string };

/** By namespace and id of the audience. */
function liveRoutes(audiences: Iterable<AudienceEntry>, destination: string): ReadonlyMap<string, LiveRoute> {
  const routes = new Map<string, LiveRoute>();
  for (const audience of audiences) {
    const route = audience.routes.find((each) => each.destination === destination && each.mode === 'live');
    if (route !== undefined) routes.set(audienceText(audience), { audience, route });
  }
  return routes;
}

function audienceText({ namespace, id }: { readonly namespace: string; readonly id: string }): string {
  return `${namespace}\n${id}`;
}

/** The route on which a row is to be told; none when the destination should not know it, or somebody else tells it. */
function isDue(
  { key, record }: LedgerEntry,
  routes: ReadonlyMap<string, LiveRoute>,
  nowMs: number,
): LiveRoute | undefined {
  const { rowState, known } = record;
  const isOurs =
    rowState.is === 'delivered' ||
    rowState.is === 'pending' ||
    (rowState.is === 'leased' && rowState.expiresAtMs <= nowMs);
  return known.isMember && isOurs ? routes.get(audienceText(key.audience)) : undefined;
}

/**
 * Leases, tells and settles. A row whose lease was lost while it was told may have been told something newer before our request
 * arrived: it is told its newest state again, or marked as in doubt while somebody else is at it.
 */
async function tellRows(plans: readonly Plan[], parts: ResyncParts, count: (outcome: Outcome) => void): Promise<void> {
  let open = plans;
  for (let round = 0; open.length > 0 && round < roundsMax; round += 1) {
    // What has begun is brought to its end, while the leases live.
    const settleBy = AbortSignal.timeout(parts.timing.settleByMs);
    const { free, taken } = round === 0 ? { free: open, taken: [] } : await lookAgain(open, parts, settleBy);
    const { leased, lost } = await leaseRows(free, parts, settleBy);
    const results = await tell(leased, parts);
    const ended = leased.map((plan, index) => ({ plan, result: results[index] ?? withoutResult }));
    const settled = ended.filter(({ result }) => !isUnanswered(result));
    const written = await parts.ledger.write(
      settled.map(({ plan: { key, row }, result }) => ({
        key,
        record: settledRecord(row.record, result),
        expected: row.version,
      })),
      settleBy,
    );
    const outlived = settled.filter((_, index) => written[index]?.written !== true).map(({ plan }) => plan);
    if (round === 0) {
      for (const { result } of ended) count(outcomeOf(result));
      for (let rest = lost.length; rest > 0; rest -= 1) count({ is: 'leftAlone' });
      open = outlived;
    } else {
      open = [...taken, ...lost, ...outlived];
    }
  }
}

async function leaseRows(
  plans: readonly Plan[],
  { ledger, clock, timing }: ResyncParts,
  signal: AbortSignal,
): Promise<{ readonly leased: readonly Plan[]; readonly lost: readonly Plan[] }> {
  const by = { holder: randomUUID(), expiresAtMs: clock.now() + timing.leaseMs };
  const leases = plans.map((plan) => {
    const { known: state, attributes } = plan.row.record;
    return { plan, record: lease(plan.row.record, { state, attributes }, by) };
  });
  const written = await ledger.write(
    leases.map(({ plan: { key, row }, record }) => ({ key, record, expected: row.version })),
    signal,
  );
  const leased: Plan[] = [];
  const lost: Plan[] = [];
  for (const [index, { plan, record }] of leases.entries()) {
    const result = written[index];
    if (result?.written === true) leased.push({ ...plan, row: { record, version: result.version } });
    else lost.push(plan);
  }
  return { leased, lost };
}

const withoutResult: DeliveryResult = {
  status: 'retry',
  class: 'fatal',
  reason: 'it ended without a result',
  wasTried: true,
  doubt: 'unanswered',
};

/** The results, in the order of the rows. */
async function tell(
  plans: readonly Plan[],
  { target, telemetry, clock, timing }: ResyncParts,
): Promise<readonly (DeliveryResult | undefined)[]> {
  const deliveries = plans.map((plan) => deliveryOf(plan, clock.now()));
  const signal = AbortSignal.timeout(timing.deadlineMs);
  // There is no retry queue behind this, so a change waits for its turn as long as its lease allows.
  const results = await deliver(target, deliveries, { telemetry, clock, waitMaxMs: timing.deadlineMs, signal });
  return deliveries.map(({ change }) => results.get(change.id));
}

function deliveryOf({ key, row, audience, route }: Plan, nowMs: number): Delivery {
  const { known, attributes } = row.record;
  const change: Change = {
    // A change of its own: a destination that remembers ids must not take it for the one that it had before.
    id: changeId(ledgerKeyText(key), { ...known, enqueuedAtMs: nowMs }),
    kind: known.isMember ? 'entered' : 'exited',
    audience: {
      key: audience.key,
      namespace: audience.namespace,
      id: audience.id,
      ...(audience.name === undefined ? {} : { name: audience.name }),
    },
    identity: key.identity,
    qualifiedAt: new Date(known.qualifiedAtMs).toISOString(),
    attributes,
  };
  return { change, options: route.options };
}

/** A request without an answer may still be under way: its lease expires, and then the row is in doubt. */
function isUnanswered(result: DeliveryResult): boolean {
  return result.status === 'retry' && result.doubt === 'unanswered';
}

/** In doubt, whatever went wrong: the ledger said that the destination knows what it may have lost. */
function settledRecord(record: LedgerRecord, result: DeliveryResult): LedgerRecord {
  return result.status === 'delivered' ? settle(record, 'delivered') : settle(record, 'pending', true);
}

function outcomeOf(result: DeliveryResult): Outcome {
  return result.status === 'delivered' ? { is: 'delivered' } : { is: 'failed', reason: result.reason };
}

/**
 * The rows as others have written them. Those that somebody is telling are marked as in doubt, and so left to them; what
 * could not be marked is to be looked at again.
 */
async function lookAgain(
  plans: readonly Plan[],
  { ledger, clock }: ResyncParts,
  signal: AbortSignal,
): Promise<{ readonly free: readonly Plan[]; readonly taken: readonly Plan[] }> {
  const rows = await ledger.read(
    plans.map(({ key }) => key),
    signal,
  );
  const free: Plan[] = [];
  const leased: Plan[] = [];
  for (const [index, plan] of plans.entries()) {
    const row = rows[index];
    // A row that is gone was erased with the person.
    if (row === undefined) continue;
    const { rowState } = row.record;
    const isTaken = rowState.is === 'leased' && rowState.expiresAtMs > clock.now();
    (isTaken ? leased : free).push({ ...plan, row });
  }
  const marked = await ledger.write(
    leased.map(({ key, row }) => ({ key, record: { ...row.record, inDoubt: true }, expected: row.version })),
    signal,
  );
  return { free, taken: leased.filter((_, index) => marked[index]?.written !== true) };
}
