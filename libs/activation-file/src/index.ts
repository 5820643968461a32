export type {
  ActivationFile,
  AudienceEntry,
  DestinationEntry,
  DestinationSchemas,
  KnownDestinations,
  LimitsEntry,
  Route,
  RouteAttribute,
} from './activation-file.ts';
export { activationFileJsonSchema } from './activation-file-json-schema.ts';
export { canary, canaryLedgerKey, withCanary } from './canary.ts';
export type { DescribedDestination } from './activation-file-schema.ts';
export { loadActivationFile } from './load-activation-file.ts';
export type { LoadOptions } from './load-activation-file.ts';
export { createMatcher } from './matcher.ts';
export type { LedgerNames, Matcher } from './matcher.ts';
export { nearestWord } from './nearest-word.ts';
export { exportsNeededBy } from './needed-exports.ts';
export type { NeededAudience, NeededExports } from './needed-exports.ts';
export { parseActivationFile } from './parse-activation-file.ts';
export type { ParseOptions } from './parse-activation-file.ts';
export { ActivationFileError, pathText, problemLine } from './problem.ts';
export type { Problem } from './problem.ts';
export { secretNames } from './secrets.ts';
export { typesNamed } from './types-named.ts';
