export {
  readRegisteredFunctions,
  startFunctionsHost,
  type FinishedInvocation,
  type FunctionsHost,
  type FunctionsHostOptions,
} from './functions-host.ts';
export type { LoadBalancing } from './event-hub-trigger.ts';
export type { HostLog, HostLogEntry } from './host-log.ts';
export type { RegisteredFunction } from './trigger.ts';
