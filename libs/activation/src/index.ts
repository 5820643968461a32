export { activate } from './activate.ts';
export { activateRetry } from './activate-retry.ts';
export { retryWork, type Work } from './work.ts';
export { defaultTiming, leaseSeconds, timingOf, type ActivationContext, type Timing } from './activation-context.ts';
export { findForms, type ErasurePlace, type FoundForms } from './find-forms.ts';
export { forget, type Erased, type Forgotten, type ForgetOptions } from './forget.ts';
export {
  countFill,
  countResync,
  countRetire,
  fill,
  renew,
  resync,
  retire,
  takeOut,
  type FillWalk,
  type LedgerWalk,
  type Renewed,
  type WalkOptions,
} from './tell-ledger.ts';
export { NotAllWoken, pause, resume, retryNow, type AskContext, type Asker, type Resumed } from './set-controls.ts';
export { dryResume, type DryResumed, type DryResumeContext, type DryScope } from './dry-resume.ts';
export { FollowedControls } from './followed-controls.ts';
export { RetriesInWork } from './retries-in-work.ts';
export { presentKey, routedAudiences, storedNames, underPresentKeys } from './stored-names.ts';
export { explain, type ExplainContext } from './explain.ts';
export { transitionWords } from './story-words.ts';
export {
  storyStates,
  type PersonStory,
  type RouteStory,
  type StoryAction,
  type StoryDeadLetter,
  type StoryEvent,
  type StoryRetry,
  type StoryState,
} from './person-story.ts';
export type { LapsingPlace } from './lapsing-rows.ts';
export { inspect, type InspectedDecision, type Inspection } from './inspect.ts';
export type { Observation, ObservedAttempt, ObservedCircuit, ObservedEvent, ObservedExchange } from './observation.ts';
export type { ObserveChange, ObservedChange, ObservedSubject } from './observed-change.ts';
export { planFile, type FilePlan, type LeftBehind, type PlannedRoute } from './plan-file.ts';
export { LedgerCache, type LedgerCacheOptions } from './ledger-cache.ts';
export type { ReceivedEvent } from '@activation-hub/delivery';
export type { CountedRows, ToldLedger } from './walk-counts.ts';
