import type { DeliveredChange } from './deliver-changes.ts';
import type { ActivationContext } from './activation-context.ts';
import type { Work } from './work.ts';

/**
 * Nearly everything in a batch was refused, so the fault is hardly in the rows: the partition stops, and a person must look,
 * instead of a day's activations ending as dead letters.
 */
export class StalledError extends Error {
  override readonly name = 'StalledError';

  constructor(work: Work, context: ActivationContext) {
    const { share } = context.stall;
    super(`Failed to activate: destinations refuse more than ${Math.round(share * 100)} % of what they are told.`);
    context.telemetry.emit('partition-stalled', {
      partitionId: work.events[0]?.partitionId ?? '',
      firstSequenceNumber: work.events[0]?.sequenceNumber ?? 0,
      reason: this.message,
    });
  }

  /** Whether the results of a batch are a reason to stall. Those of a retry are not: nothing waits behind it. */
  static applies(
    results: readonly DeliveredChange[],
    work: Work,
    { stall }: Pick<ActivationContext, 'stall'>,
  ): boolean {
    if (work.retry !== undefined) return false;
    const certain = results.filter(({ result }) => result.status !== 'retry').length;
    const refused = results.filter(({ result }) => result.status === 'rejected').length;
    return certain >= stall.minimum && refused >= stall.share * certain;
  }
}
