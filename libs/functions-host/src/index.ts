export {
  readRegisteredFunctions,
  startFunctionsHost,
  type FinishedInvocation,
  type FunctionsHost,
  type FunctionsHostOptions,
  type LoadBalancing,
} from './functions-host.ts';
export type { HostLog, HostLogEntry } from './host-log.ts';
export type { RegisteredFunction } from './trigger.ts';
