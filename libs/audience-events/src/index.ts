export { attributeAt, attributeDepthMax, isNestedTooDeep } from './attribute-at.ts';
export { parseQualificationTime } from './parse-qualification-time.ts';
export type {
  JsonObject,
  JsonValue,
  ProfileExport,
  WireIdentity,
  WireMembership,
  WireProfileExport,
} from './profile-export.ts';
export { qualifiedAheadMaxMs, readMembership } from './read-membership.ts';
export type { AudienceMembership } from './read-membership.ts';
export { readProfileExports } from './read-profile-exports.ts';
export type { ProfileExports } from './read-profile-exports.ts';
export { isRefusal, refusalCodes } from './refusal.ts';
export type { Refusal, RefusalCode } from './refusal.ts';
