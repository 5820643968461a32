import { claim, settle, type LedgerRow } from '@activation-hub/membership';
import { randomUUID } from 'node:crypto';
import type { Claimant } from './decide-changes.ts';
import { deliverChanges, type DeliveredChange } from './deliver-changes.ts';
import type { Hub } from './hub.ts';
import type { Demand } from './resolve-demands.ts';
import type { Tally } from './tally.ts';

/** How often a row that keeps changing hands is repaired here before it is left in doubt for whoever comes next. */
const roundsMax = 3;

/**
 * Puts right what a delivery may have spoiled that ended after its claim had expired. Somebody else may have told the
 * destination something newer before our request arrived, so it is told the row's newest state again, under a new claim.
 * While somebody else is at it, the row is marked as in doubt instead, and they do the same when they find that out.
 * A row that cannot be repaired stays in doubt, so that the next export of the person tells the destination again.
 */
export async function repairLostRaces(
  lost: readonly DeliveredChange[],
  own: Claimant,
  hub: Hub,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  let open = lost.map(({ demand }) => demand);
  for (let round = 0; open.length > 0 && round < roundsMax; round += 1) {
    const rows = await hub.ledger.read(
      open.map(({ key }) => key),
      signal,
    );
    tally.ledgerReads += open.length;
    const by = { claimant: randomUUID(), expiresAtMs: hub.clock.now() + hub.timing.claimMs };
    const planned = open.flatMap((demand, index) => {
      const row = rows[index];
      // A row that is gone was erased with the person: there is nothing to tell any more.
      if (row === undefined) return [];
      const { standing } = row.record;
      const isOwn = standing.is === 'claimed' && standing.claimant === own.claimant;
      const isTaken = standing.is === 'claimed' && standing.expiresAtMs > hub.clock.now() && !isOwn;
      if (round === 0) tally.count(demand.route.destination, isOwn ? 'delivered' : 'superseded');
      const { known: state, attributes } = row.record;
      const next = isTaken ? row.record : claim(row.record, { state, attributes }, by);
      const record = { ...next, inDoubt: true };
      return [{ demand: { ...demand, attributes, state }, isTaken, state, expected: row.version, record }];
    });
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
      return [{ demand: plan.demand, state, kind: kindOf(plan.state.isMember), row }];
    });
    const results = await deliverChanges(claimed, hub, signal);
    const settled = await hub.ledger.write(
      results.map(({ demand, row, result }) => ({
        key: demand.key,
        record: result.status === 'delivered' ? settle(row.record, 'told') : settle(row.record, 'pending', true),
        expected: row.version,
      })),
      signal,
    );
    tally.ledgerWrites += written.length + settled.length;
    open = [
      ...planned.filter((_, index) => written[index]?.written !== true).map(({ demand }): Demand => demand),
      ...results.filter((_, index) => settled[index]?.written !== true).map(({ demand }): Demand => demand),
    ];
  }
}

function kindOf(isMember: boolean): 'entered' | 'exited' {
  return isMember ? 'entered' : 'exited';
}
