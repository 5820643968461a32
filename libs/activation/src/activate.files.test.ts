import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, openActivation, personExport, type TestActivation } from '../testing/index.ts';
import { resync } from './index.ts';

const { signal } = new AbortController();

interface FileContent {
  readonly audience?: string;
  readonly mode?: string;
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
  const rowState = async () => (await opened.context.ledger.read([fansKey()], signal))[0]?.record.rowState.is;
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

test('a deferred change whose route is gone is given up, counted, and a dead letter', async () => {
  const later = openWith({ routed: false }, await openDeferred());
  await later.passTime();
  expect(later.outcomes()).toEqual({ 'crm given-up': 1 });
  expect(later.letters()).toMatchObject([{ outcome: 'given-up', class: 'route-gone' }]);
  expect(await later.rowState()).toBe('given-up');
  expect(later.crm.told).toEqual([]);
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
