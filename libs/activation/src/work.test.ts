import type { Retry } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { eventOf, noonMs, personExport } from '../testing/index.ts';
import { causeOf, receiptsOf, retryWork, spanOf } from './work.ts';

const events = [7, 9].map((n) => eventOf(personExport(), n, { partitionId: '3' }));
const retry: Retry = {
  id: 'r2',
  destination: 'crm',
  events: events.map((event) => ({ event, audiences: ['sports-fans'], rows: [] })),
  rows: [],
  attempts: 4,
  firstDeferredAtMs: noonMs,
  class: 'transient',
  reason: 'It is down.',
  isReplay: false,
};

test('new events are a span of their partition, from the first of them to the last', () => {
  const three = [7, 8, 9].map((n) => eventOf(personExport(), n, { partitionId: '3' }));
  expect(spanOf({ events: three })).toEqual({
    name: 'process events',
    options: {
      attributes: {
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.batch.message_count': 3,
        'messaging.system': 'eventhubs',
        'messaging.destination.partition.id': '3',
        'activation.events.first': 7,
        'activation.events.last': 9,
      },
    },
  });
  expect(spanOf({ events: [] }).options.attributes).toMatchObject({
    'messaging.destination.partition.id': '',
    'activation.events.first': 0,
    'activation.events.last': 0,
  });
});

test('a retry is a span that is linked to the one in which its changes were first deferred', () => {
  expect(spanOf(retryWork({ ...retry, traceParent: '00-a-b-01' }))).toEqual({
    name: 'process retry',
    options: {
      attributes: {
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.batch.message_count': 2,
        'activation.destination': 'crm',
        'activation.retry.id': 'r2',
        'activation.retry.attempts': 4,
      },
      link: '00-a-b-01',
    },
  });
});

test('a retry is the work of its events, and only those of its chain wait for it', () => {
  expect(retryWork(retry)).toEqual({ events, retry });
  expect(causeOf({})).toBe('export');
  expect(causeOf({ retry })).toEqual({ chainId: 'r2' });
  expect(causeOf({ retry: { ...retry, chainId: 'r1' } })).toEqual({ chainId: 'r1' });
  expect(causeOf({ retry: { ...retry, chainId: 'r1', isReplay: true } })).toBe('replay');
});

test('what a destination accepted is asked for by its receipts, and new events have none', () => {
  const receipts = { 'change-1': 'job-1', 'change-2': 'job-1' };
  expect(receiptsOf(retryWork({ ...retry, receipts }))).toEqual(new Map(Object.entries(receipts)));
  expect(receiptsOf(retryWork(retry))).toEqual(new Map());
  expect(receiptsOf({ events })).toEqual(new Map());
});
