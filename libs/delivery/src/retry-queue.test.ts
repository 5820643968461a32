import { describeRetryQueueContract } from '../testing/index.ts';
import { InMemoryRetryQueue } from './retry-queue.ts';

describeRetryQueueContract(
  'the in-memory retry queue',
  () => Promise.resolve(new InMemoryRetryQueue()),
  (queue) => Promise.resolve(queue.takeDue(Date.now())),
);
