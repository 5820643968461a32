export { activate } from './activate.ts';
export { BatchHeldError } from './batch-held-error.ts';
export { defaultTiming, type Hub, type Timing } from './hub.ts';
export { inspect, type InspectedDecision, type Inspection } from './inspect.ts';
export { LedgerCache } from './ledger-cache.ts';
export type { IncomingEvent } from './read-events.ts';
