import type { ObservedChange } from '@activation-hub/activation';
import type { DestinationEntry } from '@activation-hub/activation-file';
import { expect, test } from 'vitest';
import { Activity } from './activity.ts';
import { attentionOf } from './attention.ts';

const routes = [
  { audience: 'fans', destination: 'crm', mode: 'live' },
  { audience: 'fans', destination: 'ads', mode: 'live' },
] as never;
const change = (part: Partial<ObservedChange>): ObservedChange => ({
  destination: 'crm',
  audience: 'fans',
  outcome: 'delivered',
  atMs: 60_000,
  identity: { namespace: 'email', value: 'ada@example.com' },
  event: { partitionId: '0', sequenceNumber: 1, enqueuedAtMs: 59_900 },
  ...part,
});

test('each route has its counts, and one of which nothing is known is quiet', () => {
  const activity = new Activity({ routes });
  activity.add(change({}));
  activity.add(change({ outcome: 'unchanged' }));
  expect(activity.cells(60_500)).toMatchObject([
    {
      destination: 'crm',
      outcomes: { delivered: 1, unchanged: 1 },
      lately: 2,
      health: 'well',
      deliveredAtMs: 60_000,
    },
    { destination: 'ads', outcomes: {}, lately: 0, health: 'quiet' },
  ]);
});

test('a change waits once, however often it is deferred, and no more when it has ended', () => {
  const activity = new Activity({ routes });
  activity.add(change({ outcome: 'deferred' }));
  activity.add(change({ outcome: 'deferred' }));
  activity.add(change({ outcome: 'superseded' }));
  expect([activity.waiting, activity.waitingAt('crm'), activity.waitingAt('ads')]).toEqual([1, 1, 0]);
  expect(activity.cells(60_000)[0]?.health).toBe('waiting');
  activity.add(change({}));
  expect(activity.waiting).toBe(0);
});

test('the seconds go on without a gap, with ages of what was delivered', () => {
  const activity = new Activity({ routes });
  activity.add(change({}));
  activity.add(change({ atMs: 62_000, outcome: 'rejected' }));
  expect(activity.series(63_100, 3)).toEqual([
    { atMs: 60_000, delivered: 1, deferred: 0, failed: 0, silent: 0, ageMedianMs: 100, ageHighMs: 100 },
    { atMs: 61_000, delivered: 0, deferred: 0, failed: 0, silent: 0 },
    { atMs: 62_000, delivered: 0, deferred: 0, failed: 1, silent: 0 },
  ]);
});

test('what needs a person is said with what to do, an open circuit first; nothing is said when all is well', () => {
  const state = {
    nowMs: 0,
    circuits: [],
    waitingAt: () => 3,
    deadLetters: new Map<string, number>(),
    matcher: { destination: (name: string) => (name === 'old-crm' ? ({ key: 'crm' } as DestinationEntry) : undefined) },
    partitions: [],
    warnings: [],
    leftOut: 0,
  };
  expect(attentionOf(state)).toEqual([]);
  const said = attentionOf({
    ...state,
    circuits: [{ destination: 'crm', state: 'open', untilMs: 4_200, reason: 'it answered 503.' }],
    deadLetters: new Map([
      ['crm', 1],
      ['old-crm', 2],
      ['gone', 1],
    ]),
  });
  expect(said).toMatchObject([
    { level: 'problem', text: 'crm does not take changes; 3 changes wait. Its last answer: it answered 503.' },
    { level: 'problem', text: '3 dead letters of crm.', link: '/dead-letters?destination=crm' },
    { level: 'problem', text: '1 dead letter of gone.', link: '/dead-letters?destination=gone' },
  ]);
  expect(said[0]?.advice).toContain('the next try is in 5 s');
});
