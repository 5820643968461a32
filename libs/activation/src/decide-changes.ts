import {
  claim,
  decide,
  isSameDemand,
  note,
  settle,
  type Decision,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from '@activation-hub/membership';
import type { ChangeKind } from '@activation-hub/destination-kit';
import type { Hub } from './hub.ts';
import type { Demand } from './resolve-demands.ts';
import type { Tally } from './tally.ts';

/** A change that is ours to tell, until our claim expires. */
export interface ClaimedChange {
  readonly demand: Demand;
  readonly kind: ChangeKind;
  readonly row: LedgerRow;
}

/** A change that cannot be settled now, with the reason in words for a log. */
export interface UnsettledChange {
  readonly demand: Demand;
  readonly reason: string;
}

/** Who claims, and until when. */
export interface Claimant {
  readonly claimant: string;
  readonly expiresAtMs: number;
}

/**
 * How often a row that others keep writing is looked at again before the change waits. Each loss means that somebody
 * else got on, so more than a few in a row is a storm that is better waited out.
 */
const roundsMax = 5;

/**
 * Compares every demand with what the ledger knows. What needs no call is counted, and noted where a later, older state
 * must find it; what is to be told is claimed. A row that somebody else writes in between is read and decided again.
 */
export async function decideChanges(
  demands: readonly Demand[],
  by: Claimant,
  hub: Hub,
  tally: Tally,
  signal: AbortSignal,
): Promise<{ readonly claimed: readonly ClaimedChange[]; readonly waiting: readonly UnsettledChange[] }> {
  const claimed: ClaimedChange[] = [];
  const waiting: UnsettledChange[] = [];
  let open = demands.filter((demand) => !isKnownAsUnchanged(demand, hub, tally));

  for (let round = 0; open.length > 0; round += 1) {
    if (round === roundsMax) {
      for (const demand of open) waiting.push({ demand, reason: 'its ledger row is written by others all the time' });
      break;
    }
    const rows = await hub.ledger.read(open.map(({ key }) => key), signal);
    tally.ledgerReads += open.length;

    const plans: Plan[] = [];
    for (const [index, demand] of open.entries()) {
      const row = rows[index];
      const decision = decide(row?.record, demand.state, hub.now());
      const plan = planFor(demand, row, decision, by);
      if (plan !== undefined) plans.push(plan);
      else if (decision.action === 'wait') waiting.push({ demand, reason: 'somebody else is telling the destination about it' });
      else finish(demand, row, decision.action === 'nothing' ? decision.because : 'unchanged', hub, tally);
    }

    const results = await hub.ledger.write(plans.map(({ write }) => write), signal);
    open = [];
    for (const [index, plan] of plans.entries()) {
      const result = results[index];
      if (result?.written !== true) {
        open.push(plan.demand);
        continue;
      }
      tally.ledgerWrites += 1;
      const row: LedgerRow = { record: plan.write.record, version: result.version };
      if (plan.kind === undefined) finish(plan.demand, row, plan.outcome, hub, tally);
      else claimed.push({ demand: plan.demand, kind: plan.kind, row });
    }
  }
  return { claimed, waiting };
}

/** A write that the decision asks for, and what it leads to: a delivery, or an outcome at once. */
type Plan = { readonly demand: Demand; readonly write: LedgerWrite } & (
  | { readonly kind: ChangeKind }
  | { readonly kind: undefined; readonly outcome: 'unchanged' | 'shadowed' | 'paused' }
);

function planFor(demand: Demand, row: LedgerRow | undefined, decision: Decision, by: Claimant): Plan | undefined {
  const record = row?.record;
  const write = (next: LedgerRecord): LedgerWrite => ({ key: demand.key, record: next, expected: row?.version });
  if (decision.action === 'note') {
    return { demand, kind: undefined, outcome: 'unchanged', write: write(note(record, demand, decision.standing)) };
  }
  if (decision.action !== 'tell') return undefined;
  switch (demand.route.mode) {
    case 'live':
      return { demand, kind: decision.kind, write: write(claim(record, demand, by)) };
    case 'shadow':
      return { demand, kind: undefined, outcome: 'shadowed', write: write(settle(claim(record, demand, by), 'told')) };
    case 'paused':
      return { demand, kind: undefined, outcome: 'paused', write: write(note(record, demand, 'pending')) };
  }
}

function isKnownAsUnchanged(demand: Demand, hub: Hub, tally: Tally): boolean {
  const row = hub.ledgerCache.get(demand.keyText);
  if (row === undefined) return false;
  if (isPausedAlready(demand, row.record)) {
    tally.count(demand.route.destination, 'paused');
    return true;
  }
  const decision = decide(row.record, demand.state, hub.now());
  if (decision.action !== 'nothing') return false;
  tally.count(demand.route.destination, outcomeOf(demand, decision.because));
  return true;
}

/** A paused route notes a demand once; the exports that repeat it need no further write. */
function isPausedAlready({ route, state }: Demand, record: LedgerRecord): boolean {
  return route.mode === 'paused' && record.standing.is === 'pending' && isSameDemand(record.known, state);
}

function finish(
  demand: Demand,
  row: LedgerRow | undefined,
  outcome: 'unchanged' | 'superseded' | 'shadowed' | 'paused',
  hub: Hub,
  tally: Tally,
): void {
  if (row !== undefined) hub.ledgerCache.set(demand.keyText, row);
  tally.count(demand.route.destination, outcomeOf(demand, outcome));
}

/** A member of the audience who is not to be in the destination was withheld for want of consent. */
function outcomeOf<Kind extends string>({ state }: Demand, outcome: Kind): Kind | 'withheld' {
  return outcome === 'unchanged' && state.status === 'realized' && !state.isMember ? 'withheld' : outcome;
}
