export {
  deadLetterName,
  InMemoryDeadLetters,
  type DeadLetter,
  type DeadLetters,
  type Failure,
  type OriginalEvent,
} from './dead-letters.ts';
