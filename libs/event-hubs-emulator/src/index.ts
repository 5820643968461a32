export { InvalidConfigFile, readConfigFile } from './config-file.ts';
export {
  startEventHubsEmulator,
  type EventHubsEmulator,
  type EventHubsEmulatorOptions,
  type PartitionStatus,
  type TlsOptions,
  type TlsStatus,
} from './emulator.ts';
export type { EntraRights } from './entra-token.ts';
export type { EventHubDefinition } from './event-hub.ts';
export type { Delays, Faults, Throttling } from './faults.ts';
export type { Retention } from './partition-log.ts';
export { sampleKey } from './shared-access-signature.ts';
export type { AccessRight, SharedAccessKey, WhichKey } from './shared-access-signature.ts';
