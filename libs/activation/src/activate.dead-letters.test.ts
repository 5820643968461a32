import type { JsonObject } from '@activation-hub/audience-events';
import { InMemoryDeadLetters, type DeadLetter } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport, travellersId } from '../testing/index.ts';

test('an unreadable event among good ones is kept with its own bytes, and the others proceed', async () => {
  const opened = openActivation();
  const bad = { ...eventOf(personExport(), 2), body: Buffer.from('{"person": "ada@example.com", ') };
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1), bad, eventOf(personExport({ person: 'p3' }), 3));
  expect(opened.crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p3']);
  expect(opened.letters()).toMatchObject([
    { event: bad, outcome: 'unreadable', class: 'invalid-json', attempts: 0, failures: [{ path: '$' }] },
  ]);
  expect(opened.letters()[0]?.event.body).toBe(bad.body);
  expect(opened.letters()[0]).not.toHaveProperty('destination');
  expect(opened.counter('events-unreadable')).toBe(1);
});

const strangers = JSON.parse('["no export", 7]') as JsonObject[];

test('the good elements of an array proceed, and the bad ones are named in one letter per kind', async () => {
  const opened = openActivation();
  const event = eventOf([personExport(), ...strangers, { empty: true }], 1);
  await opened.activate(event);
  expect(opened.crm.story).toEqual(['entered sports-fans p1']);
  expect(opened.letters().map(({ class: code, failures }) => [code, failures.map(({ path }) => path)])).toEqual([
    ['not-an-object', ['$[1]', '$[2]']],
    ['not-an-export', ['$[3]']],
  ]);
});

test('a membership that cannot be read matters only where it is routed, and only itself', async () => {
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: [crmid] }]
  travellers:
    id: ${travellersId}
    activate: [{ destination: crm, identity: [crmid] }]
`,
  });
  const withItems = (items: Record<string, unknown>) => ({
    ...personExport(),
    segmentMembership: { ups: items } as never,
  });
  const good = { status: 'realized', lastQualificationTime: '2026-01-15T12:00:00Z' };
  await opened.activate(eventOf(withItems({ [fansId]: good, 'nobody-routes-it': 'broken' }), 1));
  expect(opened.letters()).toEqual([]);
  const event = eventOf(
    withItems({ [fansId]: { status: 'realized', lastQualificationTime: 'soon' }, [travellersId]: good }),
    2,
  );
  await opened.activate(event);
  expect(opened.crm.story).toEqual(['entered sports-fans p1', 'entered travellers p1']);
  expect(opened.letters()).toMatchObject([
    { event, class: 'invalid-qualification-time', failures: [{ audience: 'sports-fans' }] },
  ]);
});

test('a row that the destination refuses is a dead letter, and the others of its request are told', async () => {
  const opened = openActivation();
  opened.crm.answer = ({ id, identity }) =>
    identity.value === 'p2' ? { id, status: 'rejected', reason: 'no such contact' } : { id, status: 'delivered' };
  const event = eventOf(personExport({ person: 'p2' }), 2);
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1), event);
  expect(opened.outcomes()).toEqual({ 'crm delivered': 1, 'crm rejected': 1 });
  expect(opened.letters()).toMatchObject([
    {
      event,
      outcome: 'rejected',
      destination: 'crm',
      class: 'invalid',
      attempts: 1,
      failures: [{ audience: 'sports-fans', reason: 'no such contact', changeId: opened.crm.handed[1]?.id }],
    },
  ]);
  expect(opened.lines.filter((line) => line.includes('"changes-rejected"'))).toHaveLength(1);
});

test('a refused row is not tried again until something about it changes', async () => {
  const { activate, crm, outcomes } = openActivation();
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such contact' });
  await activate(eventOf(personExport({ firstName: 'Ada' }), 1));
  await activate(eventOf(personExport({ firstName: 'Ada' }), 1));
  await activate(eventOf(personExport({ firstName: 'Ada' }), 2));
  expect(crm.requests).toBe(1);
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await activate(eventOf(personExport({ firstName: 'Grace' }), 3));
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm rejected': 1, 'crm unchanged': 2, 'crm delivered': 1 });
});

test('an exit after a refused entry is not sent, for the destination never took anything', async () => {
  const { activate, crm } = openActivation();
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such contact' });
  await activate(eventOf(personExport(), 1));
  await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect(crm.requests).toBe(1);
});

test('an unexplained refusal of a request costs only the row that causes it', async () => {
  const opened = openActivation();
  opened.crm.onRequest = (changes) => {
    if (changes.some(({ identity }) => identity.value === 'p3')) throw new DestinationError('invalid', 'Bad request.');
  };
  await opened.activate(...[1, 2, 3, 4, 5].map((n) => eventOf(personExport({ person: `p${n}` }), n)));
  expect(opened.outcomes()).toEqual({ 'crm delivered': 4, 'crm rejected': 1 });
  expect(opened.letters()).toHaveLength(1);
});

test('several rows of one event that one destination refuses are one letter', async () => {
  const opened = openActivation();
  opened.crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no' });
  await opened.activate(eventOf([personExport({ person: 'p1' }), personExport({ person: 'p2' })], 1));
  expect(opened.letters().map(({ failures }) => failures.length)).toEqual([2]);
});

test('dead letters that cannot be written hold the batch, and the repetition writes them', async () => {
  let isDown = true;
  class FailingDeadLetters extends InMemoryDeadLetters {
    override put(given: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
      return isDown ? Promise.reject(new Error('the blob store is down')) : super.put(given, signal);
    }
  }
  const letters = new FailingDeadLetters();
  const { activate, crm, clock, context } = openActivation({ deadLetters: letters });
  crm.answer = ({ id, identity }) =>
    identity.value === 'p2' ? { id, status: 'rejected', reason: 'no' } : { id, status: 'delivered' };
  const events = [
    eventOf(personExport({ person: 'p1' }), 1),
    eventOf(personExport({ person: 'p2' }), 2),
    { ...eventOf(personExport(), 3), body: Buffer.from('?') },
  ];
  await expect(activate(...events)).rejects.toThrow('the blob store is down');
  expect(letters.letters.size).toBe(0);
  isDown = false;
  clock.nowMs += context.timing.leaseMs + 1;
  await activate(...events);
  expect([...letters.letters.values()].map(({ outcome }) => outcome).toSorted()).toEqual(['rejected', 'unreadable']);
  expect(crm.members.has('sports-fans p1')).toBe(true);
  expect(new Set(crm.told.map(({ id }) => id)).size).toBe(1);
});
