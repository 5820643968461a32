import type { DeferredEvent, ReceivedEvent, Retry } from '@activation-hub/delivery';

/** What is to be activated: new events of one partition, or what of earlier ones is to be tried again. */
export interface Work {
  readonly events: readonly ReceivedEvent[];
  /** Absent for new events. Only its destination is told, and of each event only the audiences that it names. */
  readonly retry?: Retry;
}

/** Work out of the retry queue: the whole way again, for what was left open. */
export function retryWork(retry: Retry): Work {
  return { events: retry.events.map(({ event }: DeferredEvent) => event), retry };
}

/** By change id, what a destination has accepted and is now asked for. */
export function receiptsOf({ retry }: Work): ReadonlyMap<string, string> {
  return new Map(Object.entries(retry?.receipts ?? {}));
}
