export {
  deadLetterName,
  InMemoryDeadLetters,
  type DeadLetter,
  type DeadLetters,
  type Failure,
  type OriginalEvent,
} from './dead-letters.ts';
export { deliver, type DeliverOptions, type DeliveryResult, type Target } from './deliver.ts';
export {
  InMemoryRetryQueue,
  readRetryMessage,
  RetryMessageError,
  writeRetryMessage,
  type DeferredEvent,
  type Retry,
  type RetryQueue,
} from './retry-queue.ts';
