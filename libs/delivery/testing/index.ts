export { describeControlsContract } from './controls-contract.ts';
export { describeDeadLettersContract, exampleDeadLetter } from './dead-letters-contract.ts';
export { exampleRetry } from './example-retry.ts';
export { describeRetryQueueContract } from './retry-queue-contract.ts';
export { exampleDelivery } from './example-delivery.ts';
export { VirtualClock } from './virtual-clock.ts';
export { timersLeftBy } from './timers-left.ts';
