export { activate } from './activate.ts';
export { StalledError } from './stalled-error.ts';
export { retryWork, type Work } from './work.ts';
export { defaultTiming, type Hub, type Timing } from './hub.ts';
export { forget, type Forgotten, type ForgetOptions } from './forget.ts';
export { countResync, resync, type Resynced, type ResyncOptions, type ResyncParts } from './resync.ts';
export { inspect, type InspectedDecision, type Inspection } from './inspect.ts';
export { LedgerCache } from './ledger-cache.ts';
export type { IncomingEvent } from './read-events.ts';
