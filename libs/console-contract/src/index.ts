export type { About, AboutDestination } from './about.ts';
export type { ChangeAttempt, ChangeDetail, ChangeRow, Exchange } from './changes.ts';
export type { Attention, Circuit, MatrixCell, Overview, PartitionLag, SeriesPoint } from './overview.ts';
export type { StreamMessage } from './stream.ts';
export {
  faults,
  type Fault,
  type InspectedChange,
  type InspectedExport,
  type Play,
  type PlayedPerson,
  type PlayedTenant,
  type RecentExport,
  type Sent,
} from './try-it.ts';
export type {
  ActResult,
  DeadLetterDetail,
  DeadLetterFilterView,
  DeadLetterList,
  DeadLetterView,
  DestinationFailure,
  DestinationLedgerView,
  DestinationLimitsView,
  DestinationView,
  FileProblem,
  FileRoute,
  FileView,
  HeldRoute,
  HeldView,
  JobStarted,
  JobView,
  PauseView,
  PersonAct,
  PersonEvent,
  PersonRoute,
  PersonView,
  PlanView,
  ProbeView,
} from './operator.ts';
