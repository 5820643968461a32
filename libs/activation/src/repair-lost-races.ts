import { claim, settle, type LedgerRow } from '@activation-hub/membership';
import { randomUUID } from 'node:crypto';
import type { Claimant } from './decide-changes.ts';
import { deferRepairs } from './defer-changes.ts';
import { deliverChanges, type DeliveredChange } from './deliver-changes.ts';
import type { Hub } from './hub.ts';
import type { Demand } from './resolve-demands.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** How often a row that keeps changing hands is repaired. Each round means that somebody else got on. */
const roundsMax = 10;

/**
 * Puts right what a delivery may have spoiled that ended after its claim had expired. Somebody else may have told the
 * destination something newer before our request arrived, so it is told the row's newest state again, under a new claim.
 * While somebody else is at it, the row is marked as in doubt instead, and they do the same when they find that out.
 * What the destination does not take goes to the retry queue, and the row stays in doubt until then.
 *
 * A worker that outlives its claim and then crashes, before it comes here, puts nothing right; the next export of the
 * person does.
 */
export async function repairLostRaces(
  lost: readonly DeliveredChange[],
  work: Work,
  own: Claimant,
  hub: Hub,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const ownClaims = new Set([own.claimant]);
  let open = lost.map(({ demand }) => demand);
  for (let round = 0; open.length > 0 && round < roundsMax; round += 1) {
    const rows = await hub.ledger.read(
      open.map(({ key }) => key),
      signal,
    );
    tally.ledgerReads += open.length;
    if (round === 0) countLost(lost, rows, ownClaims, tally);
    const by = { claimant: randomUUID(), expiresAtMs: hub.clock.now() + hub.timing.claimMs };
    const planned = open.flatMap((demand, index) => {
      const row = rows[index];
      // A row that is gone was erased with the person: there is nothing to tell any more.
      if (row === undefined) return [];
      const { known: state, attributes, standing } = row.record;
      const isTaken = standing.is === 'claimed' && standing.expiresAtMs > hub.clock.now() && !isOwn(row, ownClaims);
      const next = isTaken ? row.record : claim(row.record, { state, attributes }, by);
      const record = { ...next, inDoubt: true };
      return [{ demand: { ...demand, attributes }, isTaken, state, expected: row.version, record }];
    });
    ownClaims.add(by.claimant);
    const written = await hub.ledger.write(
      planned.map(({ demand, record, expected }) => ({ key: demand.key, record, expected })),
      signal,
    );
    const claimed = planned.flatMap((plan, index) => {
      const result = written[index];
      if (result?.written !== true || plan.isTaken) return [];
      const row: LedgerRow = { record: plan.record, version: result.version };
      // A change of its own: a destination that remembers ids must not take it for the one that it had before.
      const state = { ...plan.state, enqueuedAtMs: hub.clock.now() };
      return [{ demand: plan.demand, state, kind: kindOf(plan.state.isMember), row, isRestored: true }];
    });
    const results = await deliverChanges(claimed, hub, signal);
    await deferRepairs(results, work, hub, signal);
    const certain = results.filter(({ result }) => !isUnanswered(result));
    const settled = await hub.ledger.write(
      certain.map(({ demand, row, result }) => ({
        key: demand.key,
        record: result.status === 'delivered' ? settle(row.record, 'told') : settle(row.record, 'pending', true),
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
  ownClaims: ReadonlySet<string>,
  tally: Tally,
): void {
  for (const [index, { demand, result }] of lost.entries()) {
    if (result.status !== 'delivered') continue;
    const row = rows[index];
    const isNewest = row === undefined || isOwn(row, ownClaims);
    tally.count(demand.route.destination, isNewest ? 'delivered' : 'superseded');
  }
}

function isOwn({ record: { standing } }: LedgerRow, ownClaims: ReadonlySet<string>): boolean {
  return standing.is === 'claimed' && ownClaims.has(standing.claimant);
}

/** What has no answer may be under way, so its claim must expire. */
function isUnanswered(result: DeliveredChange['result']): boolean {
  return result.status === 'retry' && result.doubt === 'unanswered';
}

function kindOf(isMember: boolean): 'entered' | 'exited' {
  return isMember ? 'entered' : 'exited';
}
