export { startAdobePlatform } from './adobe-platform.ts';
export type { AdobePlatform, AdobePlatformOptions, ReceivedRequest } from './adobe-platform.ts';
export type { AudienceSeed } from './audience-store.ts';
export type { ToggleNames } from './connection-specs.ts';
export type { StoredEntity } from './entity-store.ts';
export type { Fault, Faults } from './faults.ts';
export type { ProfileCount } from './flow-runs.ts';
export type { SandboxView } from './sandbox.ts';
export { VirtualTime } from './virtual-time.ts';
