import { exampleState } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansKey, personExport } from '../testing/index.ts';
import type { DeliveredRow } from './deliver-rows.ts';
import { subjectOf, subjectOfTold } from './observed-subject.ts';
import type { DesiredMembership, RoutedPerson } from './resolve-memberships.ts';

const event = eventOf(personExport(), 7);
const fromEvent = { event: { partitionId: '0', sequenceNumber: 7, enqueuedAtMs: event.enqueuedAtMs } };
const audience = { key: 'sports-fans' };

test('what was not told is about its audience, its status and its event, and about an identity where there is one', () => {
  const person = { audience, event, state: exampleState({ status: 'exited' }) } as unknown as RoutedPerson;
  const subject = { audience: 'sports-fans', status: 'exited', ...fromEvent };
  expect(subjectOf(person)).toStrictEqual(subject);
  const desired = { ...person, key: fansKey() } as unknown as DesiredMembership;
  expect(subjectOf(desired)).toStrictEqual({ ...subject, identity: fansKey().identity });
});

test('what was told has what the destination said, and no event where it comes from the ledger alone', () => {
  const told = (over: object): DeliveredRow =>
    ({
      audience,
      key: fansKey(),
      kind: 'updated',
      state: exampleState(),
      changeId: 'c1',
      ...over,
    }) as unknown as DeliveredRow;
  const subject = {
    audience: 'sports-fans',
    identity: fansKey().identity,
    status: 'realized',
    kind: 'updated',
    changeId: 'c1',
  };
  expect(subjectOfTold(told({ event, result: { status: 'delivered' } }))).toStrictEqual({ ...subject, ...fromEvent });
  const rejected = { status: 'rejected', class: 'invalid', reason: 'The list is full.' };
  expect(subjectOfTold(told({ result: rejected }))).toStrictEqual({
    ...subject,
    class: 'invalid',
    reason: 'The list is full.',
  });
  const notFound = { status: 'not-found', reason: 'Unknown.' };
  expect(subjectOfTold(told({ state: exampleState({ status: 'exited' }), result: notFound }))).toStrictEqual({
    ...subject,
    status: 'exited',
    reason: 'Unknown.',
  });
});
