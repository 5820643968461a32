import type { DeferredEvent, ReceivedEvent, Retry } from '@activation-hub/delivery';
import type { Cause } from '@activation-hub/membership';
import type { SpanOptions } from '@activation-hub/telemetry';

/**
 * The input of `activate`: new events of one partition, or what a retry has left of earlier ones.
 */
export interface Work {
  readonly events: readonly ReceivedEvent[];
  /**
   * Absent for new events. Only its destination is told, and of each event only the audiences that
   * it names.
   */
  readonly retry?: Retry;
}

/** The work of a retry: the whole journey again, for what was left open. */
export function retryWork(retry: Retry): Work {
  return { events: retry.events.map(({ event }: DeferredEvent) => event), retry };
}

/** Where the states of this work come from. */
export function causeOf({ retry }: Pick<Work, 'retry'>): Cause {
  if (retry === undefined) return 'export';
  return retry.isReplay ? 'replay' : { chainId: retry.chainId ?? retry.id };
}

/**
 * By change id, the receipt of what a destination has accepted; it is polled for these instead of
 * being told again.
 */
export function receiptsOf({ retry }: Work): ReadonlyMap<string, string> {
  return new Map(Object.entries(retry?.receipts ?? {}));
}

/**
 * The span of this work. That of a retry is linked to the one in which its changes were first
 * deferred.
 */
export function spanOf({ events, retry }: Work): {
  readonly name: 'process events' | 'process retry';
  readonly options: SpanOptions<'process events' | 'process retry'>;
} {
  const processed = {
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.batch.message_count': events.length,
  };
  if (retry !== undefined) {
    const attributes = {
      ...processed,
      'activation.destination': retry.destination,
      'activation.retry.id': retry.id,
      'activation.retry.attempts': retry.attempts,
    };
    return { name: 'process retry', options: { attributes, link: retry.traceParent } };
  }
  const attributes = {
    ...processed,
    'messaging.system': 'eventhubs',
    'messaging.destination.partition.id': events[0]?.partitionId ?? '',
    'activation.events.first': events[0]?.sequenceNumber ?? 0,
    'activation.events.last': events.at(-1)?.sequenceNumber ?? 0,
  };
  return { name: 'process events', options: { attributes } };
}
