import type { DeferredEvent, ReceivedEvent, Retry } from '@activation-hub/delivery';
import type { Cause } from '@activation-hub/membership';

/** What is to be activated: new events of one partition, or what a retry has left of earlier ones. */
export interface Work {
  readonly events: readonly ReceivedEvent[];
  /** Absent for new events. Only its destination is told, and of each event only the audiences that it names. */
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

/** By change id, the receipt of what a destination has accepted; it is polled for these instead of being told again. */
export function receiptsOf({ retry }: Work): ReadonlyMap<string, string> {
  return new Map(Object.entries(retry?.receipts ?? {}));
}
