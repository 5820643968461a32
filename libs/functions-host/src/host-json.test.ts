import { expect, test } from 'vitest';
import { parseHostJson } from './host-json.ts';

test('an empty host.json has the defaults of Azure', () => {
  expect(parseHostJson('{"version":"2.0"}')).toEqual({
    functionTimeoutMs: 1_800_000,
    routePrefix: 'api',
    eventHubs: {
      maxEventBatchSize: 100,
      minEventBatchSize: 1,
      maxWaitTimeMs: 60_000,
      batchCheckpointFrequency: 1,
      prefetchCount: 300,
      enableCheckpointing: true,
      initialOffset: { type: 'fromStart' },
      clientRetry: {
        mode: 'exponential',
        tryTimeoutMs: 60_000,
        delayMs: 800,
        maximumDelayMs: 60_000,
        maximumRetries: 3,
      },
    },
    queues: {
      batchSize: 16,
      newBatchThreshold: 8,
      maxDequeueCount: 5,
      visibilityTimeoutMs: 0,
      maxPollingIntervalMs: 2_000,
      messageEncoding: 'base64',
    },
  });
});

test('every field that is read is taken over, without regard to the case of names', () => {
  const eventHubs = {
    MaxEventBatchSize: 50,
    minEventBatchSize: 10,
    maxWaitTime: '00:00:05',
    batchCheckpointFrequency: 2,
    prefetchCount: 0,
    enableCheckpointing: false,
    initialOffsetOptions: { type: 'FromEnqueuedTime', enqueuedTimeUtc: '2026-01-31T00:00:00Z' },
    clientRetryOptions: {
      mode: 'fixed',
      tryTimeout: '00:00:10',
      delay: '00:00:00.5',
      maximumDelay: '00:00:02',
      maximumRetries: 9,
    },
  };
  const queues = {
    batchSize: 4,
    newBatchThreshold: 1,
    maxDequeueCount: 2,
    visibilityTimeout: '00:00:30',
    maxPollingInterval: '1.00:00:00',
    messageEncoding: 'None',
  };
  const host = { functionTimeout: '-1', logging: {}, extensions: { http: { routePrefix: '/v1/' }, eventHubs, queues } };
  expect(parseHostJson(JSON.stringify(host))).toEqual({
    functionTimeoutMs: undefined,
    routePrefix: 'v1',
    eventHubs: {
      maxEventBatchSize: 50,
      minEventBatchSize: 10,
      maxWaitTimeMs: 5_000,
      batchCheckpointFrequency: 2,
      prefetchCount: 0,
      enableCheckpointing: false,
      initialOffset: { type: 'fromEnqueuedTime', enqueuedTime: new Date('2026-01-31T00:00:00Z') },
      clientRetry: { mode: 'fixed', tryTimeoutMs: 10_000, delayMs: 500, maximumDelayMs: 2_000, maximumRetries: 9 },
    },
    queues: {
      batchSize: 4,
      newBatchThreshold: 1,
      maxDequeueCount: 2,
      visibilityTimeoutMs: 30_000,
      maxPollingIntervalMs: 86_400_000,
      messageEncoding: 'none',
    },
  });
});

test.for([
  ['{', 'Failed to read host.json: it is not JSON'],
  ['[]', 'Failed to read host.json: the file must be an object.'],
  ['{"functionTimeout":"5 minutes"}', 'Failed to read host.json: functionTimeout must be a time span like 00:05:00.'],
  [
    '{"extensions":{"queues":{"batchSize":33}}}',
    'Failed to read host.json: extensions.queues.batchSize must be a whole number from 1 to 32.',
  ],
  [
    '{"extensions":{"queues":{"messageEncoding":"utf8"}}}',
    'extensions.queues.messageEncoding must be one of base64, none.',
  ],
  [
    '{"extensions":{"eventHubs":{"minEventBatchSize":200}}}',
    'extensions.eventHubs.minEventBatchSize must not be greater than maxEventBatchSize.',
  ],
  [
    '{"extensions":{"eventHubs":{"initialOffsetOptions":{"type":"fromEnqueuedTime"}}}}',
    'initialOffsetOptions.enqueuedTimeUtc must be a date and time',
  ],
  [
    '{"extensions":{"eventHubs":{"enableCheckpointing":"no"}}}',
    'extensions.eventHubs.enableCheckpointing must be true or false.',
  ],
])('a wrong host.json is refused with the name of the field: %s', ([text = '', sentence = '']) => {
  expect(() => parseHostJson(text)).toThrow(sentence);
});
