import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import {
  deliver,
  type DeliverOptions,
  type DeliveryResult,
  type HeldBack,
  type ReceivedEvent,
} from '@activation-hub/delivery';
import type { Change, ChangeKind, Delivery } from '@activation-hub/destination-kit';
import {
  changeId,
  type Deferred,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type MembershipState,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { heldByPause } from './held-back.ts';
import type { RowPlan } from './plan-row.ts';
import type { DesiredMembership } from './resolve-memberships.ts';

/** A row under our lease, and what its destination is told of it. */
export interface LeasedRow {
  readonly key: LedgerKey;
  readonly keyText: string;
  /** As it was written with the lease. */
  readonly row: LedgerRow;
  readonly kind: ChangeKind;
  readonly state: MembershipState;
  /** The row's newest state is sent again, or for the first time without an export of its own. */
  readonly isRepair: boolean;
  readonly audience: AudienceEntry;
  readonly route: Route;
  /** The audience's display name, where an export carried it. */
  readonly audienceName?: string | undefined;
  /** The event from which it comes; absent for rows that are told from the ledger alone. */
  readonly event?: ReceivedEvent;
  /**
   * Digest of the person's identities in the export from which the row's state comes; empty or
   * absent where that is not known.
   */
  readonly linkDigest?: string;
  /**
   * The person has no row under other identities: if the row is delivered, it is settled with the
   * digest.
   */
  readonly isFollowed?: boolean;
}

/** The row of a desired membership, as its lease was written. */
export function leasedRow(
  { key, keyText, audience, route, membership, event, person }: DesiredMembership,
  { kind, state, isRepair }: Extract<RowPlan, { is: 'lease' }>,
  row: LedgerRow,
  { held, isFollowed }: { readonly held: Deferred | undefined; readonly isFollowed: boolean },
): LeasedRow {
  // A newer state that the row waits with came with the same identities as the export that its
  // retry brings, or has a retry of its own.
  const linkDigest = isRepair ? (held?.linkDigest ?? '') : person.linkDigest;
  const audienceName = membership.name;
  return { key, keyText, row, kind, state, isRepair, audience, route, audienceName, event, linkDigest, isFollowed };
}

/** A leased row with what its destination answered. */
export interface DeliveredRow extends LeasedRow {
  readonly changeId: string;
  readonly result: DeliveryResult;
  /** When it was told, of a membership that lapses. */
  readonly deliveredAtMs?: number;
}

/** How rows are told: the options of `deliver` that one call of it differs in from another. */
type RowOptions = Pick<DeliverOptions, 'signal' | 'graceMs' | 'receipts' | 'paceMaxMs'>;

/**
 * Tells every destination about the rows that are leased for it, all destinations at once, so that
 * a slow one holds up only itself. The options are those of `deliver`.
 */
export async function deliverRows(
  leased: readonly LeasedRow[],
  context: ActivationContext,
  options: RowOptions,
): Promise<readonly DeliveredRow[]> {
  const byDestination = Map.groupBy(leased, ({ route }) => route.destination);
  const results = await Promise.all(
    [...byDestination].map(([destination, rows]) => deliverTo(destination, rows, context, options)),
  );
  return results.flat();
}

async function deliverTo(
  destination: string,
  leased: readonly LeasedRow[],
  context: ActivationContext,
  options: RowOptions,
): Promise<readonly DeliveredRow[]> {
  const target = context.targets.get(destination);
  // The app sets up every destination that a live route names, and refuses to start when one cannot
  // be.
  if (target === undefined) throw new Error(`Failed to deliver: no destination is set up as ${destination}.`);
  const { clock, telemetry, timing } = context;
  // The life of a membership begins when it is taken: not before this.
  const nowMs = clock.now();
  const prepared = leased.map((row) => ({ row, delivery: deliveryOf(row) }));
  const heldBack = ({ change }: Delivery): HeldBack | undefined =>
    heldByPause(destination, change.audience.key, context);
  const results = await deliver(
    target,
    prepared.map(({ delivery }) => delivery),
    { telemetry, clock, waitMaxMs: timing.waitMaxMs, heldBack, ...options },
  );
  return prepared.map(({ row, delivery }) => {
    const { id } = delivery.change;
    const result = results.get(id);
    if (result === undefined) throw new Error(`Failed to deliver: a change to ${destination} ended without a result.`);
    // A repair has another id each time, so that no later call could poll for it by this one.
    const isAccepted = row.isRepair && 'receipt' in result;
    const told: DeliveredRow = { ...row, changeId: id, result: isAccepted ? { status: 'delivered' } : result };
    const lapses =
      row.kind !== 'exited' && target.membershipDays(row.route.options, row.key.identity.namespace) !== undefined;
    return lapses ? { ...told, deliveredAtMs: nowMs } : told;
  });
}

/** The change in full, as the connector gets it. */
export function deliveryOf({
  keyText,
  key,
  row,
  kind,
  state,
  audience,
  route,
  audienceName,
}: Pick<LeasedRow, 'keyText' | 'key' | 'kind' | 'state' | 'audience' | 'route' | 'audienceName'> & {
  readonly row: { readonly record: Pick<LedgerRecord, 'attributes' | 'deliveredAttributes' | 'inDoubt'> };
}): Delivery {
  const { attributes, deliveredAttributes, inDoubt } = row.record;
  const name = audience.name ?? audienceName;
  const { key: audienceKey, namespace, id } = audience;
  const change: { -readonly [Name in keyof Change]: Change[Name] } = {
    id: changeId(keyText, state),
    kind,
    audience: name === undefined ? { key: audienceKey, namespace, id } : { key: audienceKey, namespace, id, name },
    identity: key.identity,
    qualifiedAt: new Date(state.qualifiedAtMs).toISOString(),
    attributes,
  };
  // Who leaves is taken out by identity alone.
  if (deliveredAttributes !== undefined && kind !== 'exited') change.previousAttributes = deliveredAttributes;
  if (inDoubt) change.isInDoubt = true;
  return { change, options: route.options };
}
