export {
  deadLetterKeepMs,
  deadLetterName,
  shownOf,
  type DeadLetter,
  type DeadLetters,
  type Failure,
} from './dead-letters.ts';
export { InMemoryDeadLetters } from './in-memory-dead-letters.ts';
export type { ReceivedEvent } from './received-event.ts';
export { backoffMs, type Backoff } from './backoff.ts';
export {
  activeControls,
  controlTextCharactersMax,
  InMemoryControls,
  isSameScope,
  pauseOf,
  retryNowKeepMs,
  withControl,
  type Control,
  type ControlScope,
  type ControlStore,
} from './controls.ts';
export type { Hold } from './breaker.ts';
export { systemClock, type Clock } from './clock.ts';
export {
  createTarget,
  deliver,
  circuitOpenCause,
  isCircuitOpenReason,
  isPacedReason,
  isShadowReason,
  pausedClass,
  routeHeldReason,
  usualRetryAfterMaxMs,
} from './deliver.ts';
export type { DeliveryResult } from './delivery-result.ts';
export type { DeliverOptions, HeldBack, Target } from './target.ts';
export { purgeDeadLetters, type Purged } from './purge-dead-letters.ts';
export { replayDeadLetters, type Replayed, type ReplayOptions, type RoutedAudiences } from './replay-dead-letters.ts';
export {
  candidateNames,
  DeadLetterCounts,
  readSelected,
  type DeadLetterCount,
  type DeadLetterFilter,
  type NamedDeadLetter,
} from './select-dead-letters.ts';
export { InMemoryRetryQueue } from './in-memory-retry-queue.ts';
export { readRetryMessage, retryIdPattern, RetryMessageError, writeRetryMessage } from './retry-message.ts';
export type { RetryPointer } from './retry-queue.ts';
export {
  isDue,
  mayBeWoken,
  rowsOf,
  withoutNotBefore,
  type DeferredEvent,
  type DeferredRow,
  type Retry,
  type RetryQueue,
  type WaitingRetry,
  type WakeOptions,
} from './retry-queue.ts';
export { bodiesBytesMax, refuseUnkeepableLetter, refuseUnkeepableRetry } from './keepable.ts';
export { withTimeLimit } from './time-limit.ts';
export { sweepDeadLetters } from './sweep-dead-letters.ts';
export { sweepRetries } from './sweep-retries.ts';
export { isUnreadable, orUnreadable, UnreadableDocumentError, type Unreadable } from './unreadable-document.ts';
