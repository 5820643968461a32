export { describeControlsContract } from './controls-contract.ts';
export { describeDeadLettersContract, exampleDeadLetter } from './dead-letters-contract.ts';
export { describeRetryQueueContract, exampleRetry } from './retry-queue-contract.ts';
export { exampleDelivery } from './example-delivery.ts';
export { VirtualClock } from './virtual-clock.ts';
