import { describeDeadLettersContract } from '../testing/index.ts';
import { InMemoryDeadLetters } from './dead-letters.ts';

describeDeadLettersContract('the in-memory dead letters', () => Promise.resolve(new InMemoryDeadLetters()));
