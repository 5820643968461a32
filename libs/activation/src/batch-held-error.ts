import type { UnsettledChange } from './decide-changes.ts';
import type { Hub } from './hub.ts';
import type { IncomingEvent } from './read-events.ts';

/** Some changes of a batch could not be settled: the partition must stay where it is, and the events come again. */
export class BatchHeldError extends Error {
  override readonly name = 'BatchHeldError';

  constructor(events: readonly IncomingEvent[], unsettled: readonly UnsettledChange[], hub: Hub) {
    const reasons = [...Map.groupBy(unsettled, ({ demand, reason }) => `${demand.route.destination}: ${reason}`)]
      .map(([reason, changes]) => `${changes.length} × ${reason}`)
      .slice(0, 5)
      .join('; ');
    super(`Failed to settle ${unsettled.length} changes (${reasons}). Give the same events again.`);
    hub.telemetry.emit('batch-held', {
      partitionId: events[0]?.partitionId ?? '',
      events: events.length,
      firstSequenceNumber: events[0]?.sequenceNumber ?? 0,
      lastSequenceNumber: events.at(-1)?.sequenceNumber ?? 0,
      reason: this.message,
    });
  }
}
