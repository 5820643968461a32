import {
  capLease,
  decide,
  decideFirst,
  decideRow,
  lease,
  note,
  overtake,
  settle,
  type Because,
  type Cause,
  type DesiredState,
  type Lease,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type MembershipState,
  type NewsDecision,
  type Occasion,
  type RowDecision,
} from '@activation-hub/membership';
import type { Route } from '@activation-hub/activation-file';
import type { ChangeKind } from '@activation-hub/destination-kit';

/** Who takes leases, and until when. */
export type LeaseHolder = Omit<Lease, 'is'>;

/** What `writePlans` does about one row. A plan writes nothing itself. */
export type RowPlan =
  | { readonly is: 'nothing'; readonly because: 'unchanged' | 'superseded' }
  /** Another process holds the lease until then, in epoch milliseconds. */
  | { readonly is: 'wait'; readonly untilMs: number }
  /**
   * The same, and the row is to know the newer state, which that process tells then, or the lease
   * is longer than any can be.
   */
  | { readonly is: 'wait'; readonly untilMs: number; readonly write: LedgerWrite }
  /** The row is written, and nothing is sent. */
  | { readonly is: 'note'; readonly write: LedgerWrite; readonly outcome: 'unchanged' | 'shadowed' | 'paused' }
  /** The row is leased, and then the destination is told. */
  | {
      readonly is: 'lease';
      readonly write: LedgerWrite;
      readonly kind: ChangeKind;
      readonly state: MembershipState;
      /** The row's newest state is sent, which is not the one that came. */
      readonly isRepair: boolean;
    };

interface PlanOptions {
  readonly mode: Route['mode'];
  readonly by: LeaseHolder;
  readonly nowMs: number;
  /** On whose account, for the row's history; what the cause says by default. */
  readonly because?: Because;
}

/** Plans what a desired state makes of its row (docs/specs/ledger.md, section 3). */
export function planRow(
  key: LedgerKey,
  row: LedgerRow | undefined,
  desired: DesiredState,
  options: PlanOptions & { readonly cause: Cause },
): RowPlan {
  const { nowMs, cause } = options;
  const occasion = occasionOf(options);
  if (row === undefined) return planNews(key, row, desired, decideFirst(desired.state), options, occasion);
  const decision = decide(row.record, desired.state, nowMs, cause);
  return decision.action === 'note' || decision.action === 'deliver'
    ? planNews(key, row, desired, decision, options, occasion)
    : planKnown(key, row, decision, options, occasion, desired);
}

/**
 * Plans a row of which no export is at hand: its newest state is sent when it waits for this retry.
 */
export function planOpenRow(key: LedgerKey, row: LedgerRow, options: PlanOptions & { readonly cause: Cause }): RowPlan {
  const decision = decideRow(row.record, options.nowMs, options.cause);
  return planKnown(key, row, decision, options, occasionOf(options));
}

/**
 * Plans to send the newest state of a row, or another one that a person asks for, unless another
 * process has the lease.
 */
export function planTelling(
  key: LedgerKey,
  row: LedgerRow,
  options: PlanOptions & {
    readonly because: Because;
    readonly desired?: DesiredState;
    /** Leases that are our own are no reason to wait. */
    readonly own?: ReadonlySet<string>;
  },
): RowPlan {
  const { known, attributes, rowState } = row.record;
  const open = decideRow(row.record, options.nowMs, 'replay');
  const isOwn = rowState.is === 'leased' && options.own?.has(rowState.holder) === true;
  const occasion = { atMs: options.nowMs, because: options.because };
  if (open.action === 'wait' && !isOwn) return planKnown(key, row, open, options, occasion);
  const desired = options.desired ?? { state: known, attributes, ...digestOf(row.record) };
  const kind = desired.state.isMember ? 'entered' : 'exited';
  const plan = leasePlan(key, row, desired, { kind, isRepair: true }, options, occasion);
  // Whatever the row says, the destination may have lost it, or been told something else.
  const record = { ...plan.write.record, inDoubt: true };
  return { ...plan, write: { ...plan.write, record } };
}

/** Plans what a state that is news makes of its row. */
function planNews(
  key: LedgerKey,
  row: LedgerRow | undefined,
  desired: DesiredState,
  decision: NewsDecision,
  { mode, by, nowMs }: PlanOptions,
  occasion: Occasion,
): RowPlan {
  const write = (record: LedgerRecord): LedgerWrite => ({ key, record, expected: row?.version });
  if (decision.action === 'note')
    return { is: 'note', write: write(note(row?.record, desired, decision.rowState, occasion)), outcome: 'unchanged' };
  if (mode === 'paused')
    return { is: 'note', write: write(note(row?.record, desired, 'paused', occasion)), outcome: 'paused' };
  const told = leasePlan(key, row, desired, { kind: decision.kind, isRepair: false }, { by, nowMs }, occasion);
  if (mode !== 'shadow') return told;
  const settled = settle(told.write.record, 'delivered', false, { atMs: nowMs });
  return { is: 'note', write: write(settled), outcome: 'shadowed' };
}

/**
 * Plans what a row says by itself; under the lease of another process it is to know the state that
 * came, if that is news.
 */
function planKnown(
  key: LedgerKey,
  row: LedgerRow,
  decision: RowDecision,
  { mode, by, nowMs }: PlanOptions,
  occasion: Occasion,
  came?: DesiredState,
): RowPlan {
  const write = (record: LedgerRecord): LedgerWrite => ({ key, record, expected: row.version });
  switch (decision.action) {
    case 'nothing':
      return { is: 'nothing', because: decision.because };
    case 'wait': {
      const { untilMs, isCapped, isNews } = decision;
      const isTold = isNews && came !== undefined && (mode === 'live' || mode === 'retired');
      const known = isTold ? overtake(row.record, came, occasion) : row.record;
      const record = isCapped ? capLease(known, untilMs) : known;
      return record === row.record ? { is: 'wait', untilMs } : { is: 'wait', untilMs, write: write(record) };
    }
    case 'repair': {
      const { known: state, attributes } = row.record;
      const newest = { state, attributes, ...digestOf(row.record) };
      if (mode === 'paused')
        return { is: 'note', write: write(note(row.record, newest, 'paused', occasion)), outcome: 'paused' };
      if (mode === 'shadow') return { is: 'nothing', because: 'superseded' };
      return leasePlan(key, row, newest, { kind: decision.kind, isRepair: true }, { by, nowMs }, occasion);
    }
  }
}

/** The row's newest state comes from the export whose digest it carries. */
export function digestOf({ linkDigest }: LedgerRecord): Pick<DesiredState, 'linkDigest'> {
  return linkDigest === undefined ? {} : { linkDigest };
}

function leasePlan(
  key: LedgerKey,
  row: LedgerRow | undefined,
  desired: DesiredState,
  change: { readonly kind: ChangeKind; readonly isRepair: boolean },
  { by, nowMs }: Pick<PlanOptions, 'by' | 'nowMs'>,
  occasion: Occasion,
): Extract<RowPlan, { is: 'lease' }> {
  return {
    is: 'lease',
    write: { key, record: lease(row?.record, desired, by, { ...occasion, kind: change.kind }), expected: row?.version },
    // A change of its own: a destination that remembers ids must not take a repair for the change
    // that it had before.
    state: change.isRepair ? { ...desired.state, enqueuedAtMs: nowMs } : desired.state,
    ...change,
  };
}

function occasionOf({ mode, nowMs, cause, because }: PlanOptions & { readonly cause: Cause }): Occasion {
  if (mode === 'retired') return { atMs: nowMs, because: 'retirement' };
  return { atMs: nowMs, because: because ?? becauseOf(cause) };
}

/** The account of a cause, for the history of a row. */
export function becauseOf(cause: Cause): Because {
  return typeof cause === 'string' ? cause : 'retry';
}
