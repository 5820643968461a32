import type { Retry } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { eventOf, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';
import { leaveUnread } from './unreadable-rows.ts';

const row = { unreadable: 'column rowState of row crm.0/a' };
const of = { destination: 'crm', key: fansKey(), audience: 'sports-fans' };
const event = eventOf(personExport(), 1);
const retry: Retry = {
  id: 'r1',
  destination: 'crm',
  events: [],
  rows: [],
  attempts: 1,
  firstDeferredAtMs: noonMs,
  class: 'transient',
  reason: 'It is down.',
  isReplay: false,
};

/** Leaves a change so many hours after its retry began. */
function left(hours: number, over: Partial<typeof of> = {}, work: Partial<Retry> | null = {}, by = {}) {
  const { context, clock, lines } = openActivation();
  clock.nowMs = noonMs + hours * 3_600_000;
  const given = leaveUnread({ ...of, ...over, ...by }, row, work === null ? undefined : { ...retry, ...work }, context);
  return { ...given, said: lines.length };
}

test('a change waits, is not sent, and says why', () => {
  const { deferral, lost, outcome, said } = left(1, {}, {}, { event });
  expect({ lost, outcome, said }).toEqual({ lost: undefined, outcome: 'deferred', said: 1 });
  expect(deferral).toMatchObject({ ...of, event, class: 'row-unreadable', wasTried: false, isLeased: false });
  expect(deferral?.reason).toMatch(/^The ledger cannot be read: column rowState of row crm\.0\/a is .*Deploy/);
  expect(left(1, {}, { class: 'row-unreadable' }).said).toBe(0);
  expect(left(1_000, {}, null)).toMatchObject({ outcome: 'deferred', said: 1 });
});

test('it is given up when its retry is too old, with the row, if there is an event', () => {
  const { deferral, lost, outcome, said } = left(24, {}, {}, { event });
  expect({ deferral, outcome, said }).toEqual({ deferral: undefined, outcome: 'given-up', said: 0 });
  expect(lost).toMatchObject({ ...of, event, outcome: 'given-up', class: 'row-unreadable', rows: [of.key] });
  expect(left(24)).not.toHaveProperty('lost');
});

test('a destination that the file does not have is waited for as long as any', () => {
  expect(left(23, { destination: 'gone' }).outcome).toBe('deferred');
  expect(left(24, { destination: 'gone' }).outcome).toBe('given-up');
});
