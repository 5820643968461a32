import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport, type TestActivation } from '../testing/index.ts';

function openIn(mode: 'live' | 'shadow' | 'paused', earlier?: TestActivation): TestActivation {
  return openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName }, mode: ${mode} }
`,
    ...(earlier === undefined ? {} : { ledger: earlier.context.ledger, destinations: earlier }),
  });
}

test('a route in shadow mode decides as if it told, and tells the destination nothing', async () => {
  const { activate, crm, outcomes } = openIn('shadow');
  await activate(eventOf(personExport({ firstName: 'Ada' }), 1));
  await activate(eventOf(personExport({ firstName: 'Ada' }), 2));
  await activate(eventOf(personExport({ firstName: 'Grace' }), 3));
  await activate(eventOf(personExport({ status: 'exited', at: 60 }), 4));
  await activate(eventOf(personExport({ firstName: 'Ada' }), 5));
  await activate(eventOf(personExport({ person: 'p2', consent: 'n' }), 6));
  expect(crm.requests).toBe(0);
  expect(outcomes()).toEqual({ 'crm shadowed': 3, 'crm unchanged': 1, 'crm superseded': 1, 'crm withheld': 1 });
});

test('a route that goes live after shadow mode tells everything, for the destination has heard nothing', async () => {
  const shadow = openIn('shadow');
  await shadow.activate(eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2));
  const live = openIn('live', shadow);
  await live.activate(eventOf(personExport({ person: 'p1' }), 3), eventOf(personExport({ person: 'p2' }), 4));
  expect(live.crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
});

test('a route that goes from live to shadow leaves what the destination was told as it is', async () => {
  const live = openIn('live');
  await live.activate(eventOf(personExport(), 1));
  const shadow = openIn('shadow', live);
  await shadow.activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  const liveAgain = openIn('live', live);
  await liveAgain.activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect(live.crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
});

test('a paused route tells the destination nothing, and notes a demand once', async () => {
  const { activate, crm, outcomes, counter } = openIn('paused');
  await activate(eventOf(personExport({ firstName: 'Ada' }), 1));
  const writes = counter('ledger-writes');
  await activate(eventOf(personExport({ firstName: 'Ada' }), 2));
  expect(counter('ledger-writes')).toBe(writes);
  await activate(eventOf(personExport({ firstName: 'Grace' }), 3));
  expect(counter('ledger-writes')).toBe(writes + 1);
  expect(crm.requests).toBe(0);
  expect(outcomes()).toEqual({ 'crm paused': 3 });
});

test('a paused route that goes live tells the newest state, and nothing older', async () => {
  const paused = openIn('paused');
  await paused.activate(eventOf(personExport({ at: 0, firstName: 'Ada' }), 1));
  await paused.activate(eventOf(personExport({ at: 60, firstName: 'Grace' }), 2));
  const live = openIn('live', paused);
  await live.activate(eventOf(personExport({ at: 0, firstName: 'Ada' }), 3));
  expect(live.crm.requests).toBe(0);
  await live.activate(eventOf(personExport({ at: 60, firstName: 'Grace' }), 4));
  expect(live.crm.told).toMatchObject([{ kind: 'entered', attributes: { firstname: 'Grace' } }]);
});

test('what a paused route missed and what was undone meanwhile is not told', async () => {
  const live = openIn('live');
  await live.activate(eventOf(personExport({ at: 0 }), 1));
  const paused = openIn('paused', live);
  await paused.activate(eventOf(personExport({ at: 60, status: 'exited' }), 2));
  const liveAgain = openIn('live', live);
  await liveAgain.activate(eventOf(personExport({ at: 120 }), 3));
  expect(live.crm.story).toEqual(['entered sports-fans p1']);
  expect(liveAgain.outcomes()).toEqual({ 'crm unchanged': 1 });
});
