import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport } from '../testing/index.ts';

test.each(['n', 'u', 'p', 'dn', '', null, false, { val: 'y' }])(
  'a member whose consent is %j is withheld from a destination that never heard of them',
  async (consent) => {
    const { activate, crm, outcomes } = openActivation();
    await activate(eventOf(personExport({ consent }), 1));
    expect(crm.requests).toBe(0);
    expect(outcomes()).toEqual({ 'crm withheld': 1 });
  },
);

test('consent that is withdrawn leads to an exit, and consent that returns to an entry', async () => {
  const { activate, crm, outcomes } = openActivation();
  await activate(eventOf(personExport({ consent: 'y' }), 1));
  await activate(eventOf(personExport({ consent: 'n' }), 2));
  expect(crm.members.size).toBe(0);
  await activate(eventOf(personExport({ consent: 'n' }), 3));
  await activate(eventOf(personExport({ consent: 'y' }), 4));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1', 'entered sports-fans p1']);
  expect(crm.told[1]?.attributes).toEqual({});
  expect(outcomes()).toEqual({ 'crm delivered': 3, 'crm withheld': 1 });
});

test('of two consents in one batch the later is followed', async () => {
  const { activate, crm } = openActivation();
  await activate(eventOf(personExport({ consent: 'n' }), 2), eventOf(personExport({ consent: 'y' }), 1));
  expect(crm.requests).toBe(0);
  await activate(eventOf(personExport({ consent: 'y' }), 4), eventOf(personExport({ consent: 'n' }), 3));
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('an exit needs no consent', async () => {
  const { activate, crm } = openActivation();
  await activate(eventOf(personExport(), 1));
  await activate(eventOf(personExport({ status: 'exited', at: 60, consent: null }), 2));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
});

test('what another worker was told in between is found after the partition has moved there and back', async () => {
  const first = openActivation();
  const second = openActivation({ ledger: first.context.ledger, destinations: first });
  await first.activate(eventOf(personExport({ consent: 'n' }), 1));
  await second.activate(eventOf(personExport({ consent: 'y' }), 2));
  await first.activate(eventOf(personExport({ consent: 'n' }), 3));
  expect(first.crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
});

test('a retry of what another worker had does not hide that the partition has moved there and back', async () => {
  const first = openActivation();
  const { crm, retryQueue } = first;
  const second = openActivation({ ledger: first.context.ledger, destinations: first, retryQueue });
  await first.activate(eventOf(personExport({ consent: 'n' }), 1));
  crm.answer = ({ id, identity }) =>
    identity.value === 'p1' ? { id, status: 'delivered' } : { id, status: 'retry', reason: 'It is busy.' };
  await second.activate(
    eventOf(personExport({ person: 'p2' }), 2),
    eventOf(personExport({ consent: 'y' }), 3),
    eventOf(personExport({ person: 'p3' }), 4),
  );
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  first.clock.nowMs = retryQueue.nextDueAtMs ?? expect.unreachable();
  expect(await first.retryDue()).toBe(1);
  await first.activate(eventOf(personExport({ consent: 'n' }), 5));
  expect(crm.story.filter((told) => told.endsWith('p1'))).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
});
