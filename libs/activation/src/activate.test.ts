import { timersLeftBy } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport, travellersId } from '../testing/index.ts';

test('an entry is told in full, and the exit after it by identity alone', async () => {
  const { activate, crm, outcomes } = openActivation();
  await activate(eventOf(personExport({ person: 'p1', at: 0, firstName: 'Ada' }), 1));
  await activate(eventOf(personExport({ person: 'p1', at: 60, firstName: 'Ada', status: 'exited' }), 2));
  const audience = { key: 'sports-fans', namespace: 'ups', id: fansId };
  const identity = { namespace: 'crmid', value: 'p1' };
  const id = expect.stringMatching(/^[A-Za-z0-9_-]{27}$/) as unknown as string;
  expect(crm.told).toEqual([
    {
      id,
      kind: 'entered',
      audience,
      identity,
      qualifiedAt: '2026-01-15T12:00:00.000Z',
      attributes: { firstname: 'Ada' },
    },
    { id, kind: 'exited', audience, identity, qualifiedAt: '2026-01-15T12:01:00.000Z', attributes: {} },
  ]);
  expect(outcomes()).toEqual({ 'crm delivered': 2 });
});

test('an attribute that changes is an update; the same value again is nothing', async () => {
  const { activate, crm, outcomes, counter } = openActivation();
  await activate(eventOf(personExport({ firstName: 'Ada' }), 1));
  await activate(eventOf(personExport({ firstName: 'Grace' }), 2));
  const writes = counter('ledger-writes');
  const reads = counter('ledger-reads');
  await activate(eventOf(personExport({ firstName: 'Grace' }), 3));
  expect(crm.story).toEqual(['entered sports-fans p1', 'updated sports-fans p1']);
  expect(crm.members.get('sports-fans p1')).toEqual({ attributes: { firstname: 'Grace' } });
  expect(outcomes()).toEqual({ 'crm delivered': 2, 'crm unchanged': 1 });
  expect([counter('ledger-writes'), counter('ledger-reads')]).toEqual([writes, reads]);
});

test('the same event given again, in the same batch or later, tells nothing', async () => {
  const { activate, crm, outcomes } = openActivation();
  const event = eventOf(personExport(), 1);
  await activate(event, event);
  await activate(event);
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm superseded': 1, 'crm unchanged': 1 });
});

test('a worker that has nothing in its cache reads from the ledger that nothing changed', async () => {
  const first = openActivation();
  await first.activate(eventOf(personExport(), 1));
  const second = openActivation({ ledger: first.context.ledger, destinations: first });
  await second.activate(eventOf(personExport(), 2));
  expect(second.outcomes()).toEqual({ 'crm unchanged': 1 });
  expect(first.crm.requests).toBe(1);
});

test('of two states in one batch the newer is told, wherever it stands', async () => {
  for (const order of [
    [1, 2],
    [2, 1],
  ]) {
    const { activate, crm, outcomes } = openActivation();
    const events = [eventOf(personExport({ at: 0 }), 1), eventOf(personExport({ at: 60, firstName: 'Grace' }), 2)];
    await activate(...order.flatMap((n) => events[n - 1] ?? []));
    expect(crm.told.map(({ attributes }) => attributes)).toEqual([{ firstname: 'Grace' }]);
    expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm superseded': 1 });
  }
});

test('an older state that comes in a later batch is superseded', async () => {
  const { activate, crm, outcomes } = openActivation();
  await activate(eventOf(personExport({ at: 60, firstName: 'Grace' }), 1));
  await activate(eventOf(personExport({ at: 0, firstName: 'Ada' }), 2));
  await activate(eventOf(personExport({ at: 30, status: 'exited' }), 3));
  expect(crm.members.get('sports-fans p1')).toEqual({ attributes: { firstname: 'Grace' } });
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm superseded': 2 });
});

test('an exit with the time of the qualification that it ends is the newer one', async () => {
  const { activate, crm } = openActivation();
  await activate(eventOf(personExport({ at: 60, status: 'exited' }), 1));
  await activate(eventOf(personExport({ at: 60 }), 2));
  expect(crm.story).toEqual([]);
  await activate(eventOf(personExport({ at: 61 }), 3));
  await activate(eventOf(personExport({ at: 61, status: 'exited' }), 3));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
});

test('an exit of a person that the destination never heard of is recorded, not sent, and supersedes the late entry', async () => {
  const { activate, crm, outcomes } = openActivation();
  await activate(eventOf(personExport({ at: 60, status: 'exited' }), 1));
  expect(outcomes()).toEqual({ 'crm unchanged': 1 });
  await activate(eventOf(personExport({ at: 0 }), 2));
  expect(outcomes()).toEqual({ 'crm unchanged': 1, 'crm superseded': 1 });
  expect(crm.requests).toBe(0);
});

test('absence from an export is no exit', async () => {
  const { activate, crm } = openActivation();
  await activate(eventOf(personExport(), 1));
  await activate(eventOf(personExport({ audienceId: travellersId, at: 60 }), 2));
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('a new qualification without other content is noted, so that what is older than it is superseded', async () => {
  const { activate, crm, outcomes } = openActivation();
  await activate(eventOf(personExport({ at: 0 }), 1));
  await activate(eventOf(personExport({ at: 60 }), 2));
  await activate(eventOf(personExport({ at: 30, status: 'exited' }), 3));
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm unchanged': 1, 'crm superseded': 1 });
});

test('the exports of an array are events of their own', async () => {
  const { activate, crm, counter } = openActivation();
  await activate(eventOf([personExport({ person: 'p1' }), personExport({ person: 'p2' })], 1));
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
  expect([counter('events-received'), counter('exports-read')]).toEqual([1, 2]);
});

test('each route tells its own destination with its own options', async () => {
  const { activate, crm, ads, outcomes } = openActivation({
    file: `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    name: Sports Fans
    activate:
      - { destination: crm, identity: [crmid], attributes: { given: person.name.firstName } }
      - { destination: ads, identity: [email] }
  travellers:
    id: ${travellersId}
    activate:
      - { destination: ads, identity: [email] }
`,
  });
  await activate(eventOf(personExport(), 1), eventOf(personExport({ audienceId: travellersId }), 2));
  expect(crm.told).toMatchObject([
    { audience: { name: 'Sports Fans' }, identity: { namespace: 'crmid', value: 'p1' }, attributes: { given: 'Ada' } },
  ]);
  expect(ads.story).toEqual(['entered sports-fans p1@example.com', 'entered travellers p1@example.com']);
  expect(ads.told.map(({ attributes }) => attributes)).toEqual([{}, {}]);
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'ads delivered': 2 });
  expect(ads.requests).toBe(1);
});

test('of several identities the first by precedence is told, by a choice that does not depend on their order', async () => {
  const { activate, crm } = openActivation();
  await activate(
    eventOf(personExport({ identities: { email: ['a@example.com'], CRMID: ['z', 'b', 'm'] } }), 1),
    eventOf(personExport({ identities: { crmid: ['m', 'z', 'b'] } }), 2),
    eventOf(personExport({ identities: { email: ['a@example.com'] } }), 3),
  );
  expect(crm.told.map(({ identity }) => identity)).toEqual([
    { namespace: 'crmid', value: 'b' },
    { namespace: 'email', value: 'a@example.com' },
  ]);
});

test('a route that asks for all identities tells each', async () => {
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: [crmid, email], identities: all }]
`;
  const { activate, crm, outcomes } = openActivation({ file });
  await activate(eventOf(personExport({ identities: { crmid: ['b', 'a'], email: ['x@example.com'] } }), 1));
  await activate(eventOf(personExport({ identities: { crmid: ['b', 'a'] }, status: 'exited' }), 2));
  expect(crm.story).toEqual([
    'entered sports-fans a',
    'entered sports-fans b',
    'exited sports-fans a',
    'exited sports-fans b',
  ]);
  expect(outcomes()).toEqual({ 'crm delivered': 4 });
});

test('a person without an identity that the route accepts is counted as unresolved', async () => {
  const { activate, crm, outcomes } = openActivation();
  await activate(eventOf(personExport({ identities: { ecid: ['14575006536349286404619648085736425115'] } }), 1));
  expect(outcomes()).toEqual({ 'crm unresolved': 1 });
  expect(crm.requests).toBe(0);
});

test('a batch without events, and one that concerns no person, settle without a call or a write', async () => {
  const { activate, crm, counter, lines } = openActivation();
  await activate();
  await activate(eventOf(personExport({ audienceId: travellersId }), 1));
  expect([crm.requests, counter('ledger-reads'), counter('ledger-writes')]).toEqual([0, 0, 0]);
  expect(lines).toHaveLength(2);
});

test('a change has one id over all attempts, also where a lost answer makes an update an entry', async () => {
  const { activate, retryDue, retryQueue, crm, clock } = openActivation();
  await activate(eventOf(personExport({ firstName: 'Ada' }), 1));
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'busy', doubt: 'answered' });
  const event = eventOf(personExport({ firstName: 'Grace' }), 2);
  await activate(event);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await retryDue();
  const [first, second, third] = crm.handed;
  expect([first?.kind, second?.kind, third?.kind]).toEqual(['entered', 'updated', 'entered']);
  expect(third?.id).toBe(second?.id);
  expect(second?.id).not.toBe(first?.id);
});

test('a batch and a retry leave no timer behind', async () => {
  const { activate, crm, retryDue, clock } = openActivation();
  expect(await timersLeftBy(() => activate(eventOf(personExport(), 1)))).toBe(0);
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'later' });
  expect(await timersLeftBy(() => activate(eventOf(personExport({ firstName: 'Grace' }), 2)))).toBe(0);
  clock.nowMs += 3_600_000;
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  expect(await timersLeftBy(retryDue)).toBe(0);
  expect(crm.story).toEqual(['entered sports-fans p1', 'updated sports-fans p1']);
});
