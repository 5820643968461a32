export { activate } from './activate.ts';
export { StalledError } from './stalled-error.ts';
export { retryWork, type Work } from './work.ts';
export { defaultTiming, type Hub, type Timing } from './hub.ts';
export { inspect, type InspectedDecision, type Inspection } from './inspect.ts';
export { LedgerCache } from './ledger-cache.ts';
export type { IncomingEvent } from './read-events.ts';
