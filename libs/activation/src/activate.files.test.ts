import { replayDeadLetters } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, openActivation, personExport, type TestActivation } from '../testing/index.ts';
import { resync, routedAudiences } from './index.ts';

const { signal } = new AbortController();

interface FileContent {
  readonly audience?: string;
  readonly mode?: string;
  /** False: the file has another audience. */
  readonly routed?: boolean;
}

function openWith({ audience = 'sports-fans', mode = 'live', routed = true }: FileContent, earlier?: TestActivation) {
  const id = routed ? fansId : '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c';
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  ${audience}:
    id: ${id}
    activate:
      - { destination: crm, identity: crmid, attributes: { firstname: person.name.firstName }, mode: ${mode} }
`,
    ...(earlier === undefined
      ? {}
      : { ledger: earlier.context.ledger, retryQueue: earlier.retryQueue, destinations: earlier }),
  });
  const passTime = async (): Promise<void> => {
    while (opened.retryQueue.nextDueAtMs !== undefined) {
      opened.clock.nowMs = Math.max(opened.clock.nowMs, opened.retryQueue.nextDueAtMs);
      await opened.retryDue();
    }
  };
  const rowState = async () => (await readable(opened.context.ledger).read([fansKey()], signal))[0]?.record.rowState.is;
  return { ...opened, passTime, rowState };
}

/** A route whose entry waits in the retry queue. */
async function openDeferred() {
  const opened = openWith({});
  opened.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await opened.activate(eventOf(personExport(), 1));
  expect(await opened.rowState()).toBe('deferred');
  opened.crm.onRequest = () => undefined;
  return opened;
}

test.each([
  ['whose route is gone', 'travellers'],
  ['whose audience has another id', 'sports-fans'],
])('a deferred change %s is given up, counted, and a dead letter', async (_, audience) => {
  const later = openWith({ routed: false, audience }, await openDeferred());
  await later.passTime();
  expect(later.outcomes()).toMatchObject({ 'crm given-up': 1 });
  expect(later.letters()).toMatchObject([{ outcome: 'given-up', class: 'route-gone' }]);
  expect(await later.rowState()).toBe('given-up');
  expect(later.crm.told).toEqual([]);
});

test('a retry of a route that only a newer file has waits for a worker with that file', async () => {
  const newer = await openDeferred();
  const older = openWith({ routed: false, audience: 'travellers' }, newer);
  for (let times = 0; times < 3; times += 1) {
    older.clock.nowMs = Math.max(older.clock.nowMs, older.retryQueue.nextDueAtMs ?? 0);
    await older.retryDue();
  }
  expect(older.outcomes()).toEqual({ 'crm deferred': 3 });
  expect(older.letters()).toEqual([]);
  expect(await older.rowState()).toBe('deferred');
  newer.clock.nowMs = older.clock.nowMs;
  await newer.passTime();
  expect(newer.crm.story).toEqual(['entered sports-fans p1']);
  expect(await newer.rowState()).toBe('delivered');
});

test.each([
  ['waits for a worker with that file', true],
  ['is a dead letter again when there is none', false],
])('a replay of a route that only a newer file has %s', async (_, isDeployed) => {
  const newer = openWith({});
  newer.crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such field' });
  await newer.activate(eventOf(personExport(), 1));
  newer.crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const names = await Array.fromAsync(newer.context.deadLetters.names('', signal));
  await replayDeadLetters(names, {}, newer.context, { clock: newer.context.clock, signal });
  expect(newer.letters()).toEqual([]);
  const older = openWith({ routed: false, audience: 'travellers' }, newer);
  older.clock.nowMs = Math.max(newer.clock.nowMs, older.retryQueue.nextDueAtMs ?? 0);
  if (isDeployed) {
    await older.retryDue();
    newer.clock.nowMs = older.clock.nowMs;
    await newer.passTime();
    expect(newer.crm.story).toEqual(['entered sports-fans p1']);
  } else {
    await older.passTime();
    expect(older.letters()).toMatchObject([{ outcome: 'given-up', class: 'route-gone' }]);
  }
});

test('a replay of an event without the audience, and of one that still cannot be read, waits for nothing', async () => {
  const opened = openWith({});
  const { context, letters } = opened;
  const travellers = eventOf(personExport({ audienceId: '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c' }), 1);
  await context.deadLetters.put(
    [travellers, { ...travellers, sequenceNumber: 2, body: Buffer.from('{') }].map((event) => ({
      event,
      outcome: 'unreadable',
      class: 'invalid-json',
      failures: [{ path: '$', reason: 'it was read otherwise then' }],
      attempts: 0,
      givenUpAtMs: context.clock.now(),
    })),
    signal,
  );
  const names = await Array.fromAsync(context.deadLetters.names('', signal));
  const routed = routedAudiences({ routes: context.matcher.routesTo('crm') }, context.matcher);
  await replayDeadLetters(names, {}, context, { clock: context.clock, signal, routed });
  opened.clock.nowMs = Math.max(opened.clock.nowMs, opened.retryQueue.nextDueAtMs ?? 0);
  await opened.retryDue();
  expect(await Array.fromAsync(opened.retryQueue.waiting(signal))).toEqual([]);
  expect(letters()).toMatchObject([{ outcome: 'unreadable', event: { sequenceNumber: 2 } }]);
});

test('a deferred change whose audience has another key is told all the same', async () => {
  const later = openWith({ audience: 'fans' }, await openDeferred());
  await later.passTime();
  expect(later.outcomes()).toEqual({ 'crm delivered': 1 });
  expect(later.crm.story).toEqual(['entered fans p1']);
  expect(later.letters()).toEqual([]);
});

test('a deferred change whose route is in shadow mode waits as paused, and is told when the route is live again', async () => {
  const shadow = openWith({ mode: 'shadow' }, await openDeferred());
  await shadow.passTime();
  expect(await shadow.rowState()).toBe('paused');
  expect(shadow.outcomes()['crm paused']).toBe(1);
  const live = openWith({}, shadow);
  await live.activate(eventOf(personExport(), 2));
  expect(live.crm.story).toEqual(['entered sports-fans p1']);
});

test('an exit that a paused route has kept is told by a resync when the route is live again', async () => {
  const first = openWith({});
  await first.activate(eventOf(personExport(), 1));
  const paused = openWith({ mode: 'paused' }, first);
  await paused.activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect(first.crm.members.size).toBe(1);
  const live = openWith({}, paused);
  await resync({ context: live.context, destination: 'crm' }, { signal });
  expect(first.crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(await live.rowState()).toBe('delivered');
});

test('a route that asks for one value instead of all takes the person out under the others with their next export', async () => {
  const fileOf = (identities: string): string => `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid, identities: ${identities} }] }
`;
  const body = personExport({ identities: { crmid: ['p1', 'p2'] } });
  const before = openActivation({ file: fileOf('all') });
  await before.activate(eventOf(body, 1));
  expect([...before.crm.members.keys()]).toEqual(['sports-fans p1', 'sports-fans p2']);
  const after = openActivation({ file: fileOf('first'), ledger: before.context.ledger, destinations: before });
  await after.activate(eventOf(body, 2));
  expect([...before.crm.members.keys()]).toEqual(['sports-fans p1']);
});
