export { DisturbedLedger } from './disturbed-ledger.ts';
export {
  eventOf,
  fansId,
  fansKey,
  noonMs,
  personExport,
  riderAlongId,
  travellersId,
  type PersonContent,
} from './example-events.ts';
export { exitedAt, memberAt, putRow, rowOf, untoldRowOf } from './example-rows.ts';
export { ForgetfulDestination } from './forgetful-destination.ts';
export { RecordingDestination } from './recording-destination.ts';
export { defaultFile, openActivation, parseTestFile, type TestActivation } from './test-activation.ts';
