export { describeDeadLettersContract, exampleDeadLetter } from './dead-letters-contract.ts';
