import { deliver, type DeliveryResult } from '@activation-hub/delivery';
import type { Change, Delivery } from '@activation-hub/destination-kit';
import { changeId } from '@activation-hub/membership';
import type { LeasedChange } from './decide-changes.ts';
import type { ActivationContext } from './activation-context.ts';

/** What became of a leased change at its destination. */
export interface DeliveredChange extends LeasedChange {
  readonly changeId: string;
  readonly result: DeliveryResult;
}

/**
 * Tells every destination what is leased for it, all destinations at once, so that a slow one holds up only itself.
 * `receipts` are those of changes that a destination accepted before, by change id: it is asked for them. Without them nobody
 * asks later, and what a destination accepts counts as delivered.
 */
export async function deliverChanges(
  leased: readonly LeasedChange[],
  context: ActivationContext,
  signal: AbortSignal,
  receipts?: ReadonlyMap<string, string>,
): Promise<readonly DeliveredChange[]> {
  const byDestination = Map.groupBy(leased, ({ demand }) => demand.route.destination);
  const results = await Promise.all(
    [...byDestination].map(([destination, changes]) => deliverTo(destination, changes, context, signal, receipts)),
  );
  return results.flat();
}

async function deliverTo(
  destination: string,
  leased: readonly LeasedChange[],
  context: ActivationContext,
  signal: AbortSignal,
  receipts?: ReadonlyMap<string, string>,
): Promise<readonly DeliveredChange[]> {
  const target = context.targets.get(destination);
  // The app sets up every destination that a live route names, and refuses to start when one cannot be.
  if (target === undefined) throw new Error(`Failed to deliver: no destination is set up as ${destination}.`);

  const deliveries = leased.map(deliveryOf);
  const results = await deliver(target, deliveries, {
    telemetry: context.telemetry,
    clock: context.clock,
    waitMaxMs: context.timing.waitMaxMs,
    signal,
    ...(receipts === undefined ? {} : { receipts }),
  });
  return leased.map((change, index) => {
    const id = deliveries[index]?.change.id ?? '';
    const result = results.get(id);
    if (result === undefined) throw new Error(`Failed to deliver: a change to ${destination} ended without a result.`);
    // What is restored has another id each time, so that nobody could ask for it by this one.
    const isAccepted = change.isRestored && result.status === 'retry' && result.receipt !== undefined;
    return { ...change, changeId: id, result: isAccepted ? { status: 'delivered' } : result };
  });
}

/** The change in full, as the connector gets it. */
export function deliveryOf({ demand, kind, state }: Omit<LeasedChange, 'row' | 'isRestored'>): Delivery {
  const { audience, membership, keyText, attributes, route } = demand;
  const { key, namespace, id } = audience;
  const name = audience.name ?? membership.name;
  const change: Change = {
    id: changeId(keyText, state),
    kind,
    audience: name === undefined ? { key, namespace, id } : { key, namespace, id, name },
    identity: demand.key.identity,
    qualifiedAt: new Date(state.qualifiedAtMs).toISOString(),
    attributes,
  };
  return { change, options: route.options };
}
