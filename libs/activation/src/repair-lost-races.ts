import { lease, settle, type LedgerRow } from '@activation-hub/membership';
import { randomUUID } from 'node:crypto';
import type { LeaseHolder } from './decide-changes.ts';
import { deferRepairs } from './defer-changes.ts';
import { deliverChanges, type DeliveredChange } from './deliver-changes.ts';
import type { ActivationContext } from './activation-context.ts';
import type { Demand } from './resolve-demands.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** How often a row that keeps changing hands is repaired. Each round means that somebody else got on. */
const roundsMax = 10;

/**
 * Puts right what a delivery may have spoiled that ended after its lease had expired. Somebody else may have told the
 * destination something newer before our request arrived, so it is told the row's newest state again, under a new lease.
 * While somebody else is at it, the row is marked as in doubt instead, and they do the same when they find that out.
 * What the destination does not take goes to the retry queue, and the row stays in doubt until then.
 *
 * A worker that outlives its lease and then crashes, before it comes here, puts nothing right; the next export of the
 * person does.
 */
export async function repairLostRaces(
  lost: readonly DeliveredChange[],
  work: Work,
  own: LeaseHolder,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const ownLeases = new Set([own.holder]);
  let open = lost.map(({ demand }) => demand);
  for (let round = 0; open.length > 0 && round < roundsMax; round += 1) {
    const rows = await context.ledger.read(
      open.map(({ key }) => key),
      signal,
    );
    tally.ledgerReads += open.length;
    if (round === 0) countLost(lost, rows, ownLeases, tally);
    const by = { holder: randomUUID(), expiresAtMs: context.clock.now() + context.timing.leaseMs };
    const planned = open.flatMap((demand, index) => {
      const row = rows[index];
      // A row that is gone was erased with the person: there is nothing to tell any more.
      if (row === undefined) return [];
      const { known: state, attributes, rowState } = row.record;
      const isTaken = rowState.is === 'leased' && rowState.expiresAtMs > context.clock.now() && !isOwn(row, ownLeases);
      const next = isTaken ? row.record : lease(row.record, { state, attributes }, by);
      const record = { ...next, inDoubt: true };
      return [{ demand: { ...demand, attributes }, isTaken, state, expected: row.version, record }];
    });
    ownLeases.add(by.holder);
    const written = await context.ledger.write(
      planned.map(({ demand, record, expected }) => ({ key: demand.key, record, expected })),
      signal,
    );
    const leased = planned.flatMap((plan, index) => {
      const result = written[index];
      if (result?.written !== true || plan.isTaken) return [];
      const row: LedgerRow = { record: plan.record, version: result.version };
      // A change of its own: a destination that remembers ids must not take it for the one that it had before.
      const state = { ...plan.state, enqueuedAtMs: context.clock.now() };
      return [{ demand: plan.demand, state, kind: kindOf(plan.state.isMember), row, isRestored: true }];
    });
    const results = await deliverChanges(leased, context, signal);
    await deferRepairs(results, work, context, signal);
    const certain = results.filter(({ result }) => !isUnanswered(result));
    const settled = await context.ledger.write(
      certain.map(({ demand, row, result }) => ({
        key: demand.key,
        record: result.status === 'delivered' ? settle(row.record, 'delivered') : settle(row.record, 'pending', true),
        expected: row.version,
      })),
      signal,
    );
    tally.ledgerWrites += written.length + settled.length;
    open = [
      ...planned.filter((_, index) => written[index]?.written !== true).map(({ demand }): Demand => demand),
      ...certain.filter((_, index) => settled[index]?.written !== true).map(({ demand }): Demand => demand),
    ];
  }
}

/** Counts what is not counted yet: the others of the lost are in the retry queue or in a dead letter. */
function countLost(
  lost: readonly DeliveredChange[],
  rows: readonly (LedgerRow | undefined)[],
  ownLeases: ReadonlySet<string>,
  tally: Tally,
): void {
  for (const [index, { demand, result }] of lost.entries()) {
    if (result.status !== 'delivered') continue;
    const row = rows[index];
    const isNewest = row === undefined || isOwn(row, ownLeases);
    tally.count(demand.route.destination, isNewest ? 'delivered' : 'superseded');
  }
}

function isOwn({ record: { rowState } }: LedgerRow, ownLeases: ReadonlySet<string>): boolean {
  return rowState.is === 'leased' && ownLeases.has(rowState.holder);
}

/** What has no answer may be under way, so its lease must expire. */
function isUnanswered(result: DeliveredChange['result']): boolean {
  return result.status === 'retry' && result.doubt === 'unanswered';
}

function kindOf(isMember: boolean): 'entered' | 'exited' {
  return isMember ? 'entered' : 'exited';
}
