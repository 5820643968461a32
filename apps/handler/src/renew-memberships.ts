import { renew, type ActivationContext, type Renewed } from '@activation-hub/activation';
import { reportUnreadableRows } from './report-unreadable-rows.ts';

/**
 * Tells every destination whose memberships lapse again of the members whose time has come, all
 * destinations at once, so that a slow one takes no time of another. The last batch is begun so
 * early that it is settled at `untilMs`; what is left is done the next night. Throws when the
 * ledger cannot be reached, after every destination has ended.
 */
export async function renewMemberships(
  activation: ActivationContext,
  { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, timing, targets } = activation;
  const startedMs = clock.now();
  const beginUntilMs = untilMs - timing.settleByMs;
  const ended = await Promise.allSettled(
    [...targets.keys()].map(async (destination) => {
      const renewed = await renew({ context: activation, destination }, { untilMs: beginUntilMs, signal });
      if (renewed !== undefined) report(destination, renewed, startedMs, activation);
    }),
  );
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

function report(
  destination: string,
  { delivered, deferred, failed, leftAlone, left, late, isWhole, unreadable }: Renewed,
  startedMs: number,
  { telemetry, clock }: Pick<ActivationContext, 'telemetry' | 'clock'>,
): void {
  const durationMs = clock.now() - startedMs;
  reportUnreadableRows(unreadable, { telemetry });
  telemetry.emit('memberships-renewed', { destination, delivered, deferred, failed, leftAlone, left, durationMs });
  if (late > 0 || !isWhole) telemetry.emit('memberships-delayed', { destination, memberships: late, isWhole });
}
