import { DestinationError } from '@activation-hub/destination-kit';
import { historyOf, shadowDestination, type LedgerKey, type Transition } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  type TestActivation,
} from '../testing/index.ts';
import { resync, retire, takeOut } from './index.ts';

const { signal } = new AbortController();

async function historyAt({ context }: TestActivation, key: LedgerKey = fansKey()): Promise<readonly Transition[]> {
  const [row] = await readable(context.ledger).read([key], signal);
  return historyOf(row?.record ?? {}).transitions;
}

/** As `because did outcome`. */
async function storyAt(opened: TestActivation, key?: LedgerKey): Promise<readonly string[]> {
  const words = ({ because, did, outcome, isWithheld, times }: Transition): string =>
    [because, did, outcome, isWithheld ? 'withheld' : undefined, times === 1 ? undefined : `×${times}`]
      .filter((word) => word !== undefined)
      .join(' ');
  return (await historyAt(opened, key)).map(words);
}

const routeIn = (mode: 'live' | 'shadow' | 'paused' | 'retired', identity = 'crmid'): string => `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate: [{ destination: crm, identity: [${identity}], mode: ${mode} }]
`;

const after = (earlier: TestActivation, file: string): TestActivation =>
  openActivation({ file, ledger: earlier.context.ledger, destinations: earlier, retryQueue: earlier.retryQueue });

test('a row says that it was told after two refusals, when, and in which words it was refused', async () => {
  const opened = openActivation();
  const { activate, retryDue, retryQueue, crm, clock } = opened;
  crm.onRequest = () => {
    throw new DestinationError('transient', '503 Service Unavailable');
  };
  const event = eventOf(personExport(), 1);
  const startedMs = clock.nowMs;
  await activate(event);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  const againMs = clock.nowMs;
  await retryDue();
  crm.onRequest = () => undefined;
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  const toldMs = clock.nowMs;
  expect(await retryDue()).toBe(1);
  const { enqueuedAtMs } = event;
  const of = { did: 'entered', isWithheld: false, enqueuedAtMs, inDoubt: false } as const;
  const why = { class: 'transient', reason: '503 Service Unavailable' };
  expect(await historyAt(opened)).toEqual([
    { ...of, because: 'export', atMs: startedMs, lastAtMs: againMs, times: 2, outcome: 'deferred', ...why },
    { ...of, because: 'retry', atMs: toldMs, lastAtMs: toldMs, times: 1, outcome: 'delivered' },
  ]);
  expect(againMs).toBeGreaterThan(startedMs);
});

test('a row says what a rejection and a person who is not found were answered', async () => {
  const opened = openActivation();
  opened.crm.answer = ({ id, identity }) =>
    identity.value === 'p1'
      ? { id, status: 'rejected', reason: 'no such field' }
      : { id, status: 'not-found', reason: 'no contact has this id' };
  await opened.activate(eventOf(personExport(), 1), eventOf(personExport({ person: 'p2' }), 2));
  expect(await historyAt(opened)).toMatchObject([{ outcome: 'rejected', class: 'invalid', reason: 'no such field' }]);
  expect(await historyAt(opened, fansKey('p2'))).toMatchObject([
    { outcome: 'not-found', reason: 'no contact has this id' },
  ]);
});

test('a row says that consent was withdrawn, and that a person without it was never told of', async () => {
  const opened = openActivation();
  await opened.activate(eventOf(personExport(), 1));
  await opened.activate(
    eventOf(personExport({ consent: 'n' }), 2),
    eventOf(personExport({ person: 'p2', consent: 'n' }), 3),
  );
  expect(await storyAt(opened)).toEqual(['export entered delivered', 'export exited delivered withheld']);
  expect(await storyAt(opened, fansKey('p2'))).toEqual(['export noted withheld']);
});

test('an export that waits because the circuit is open is in the history with the failure that opened it', async () => {
  const opened = openActivation();
  const { activate, crm } = opened;
  crm.onRequest = () => {
    throw new DestinationError('transient', '503 Service Unavailable');
  };
  for (let n = 1; n <= 3; n += 1) await activate(eventOf(personExport({ person: `p${n}` }), n));
  await activate(eventOf(personExport({ person: 'p4' }), 4));
  await activate(eventOf(personExport({ person: 'p4', firstName: 'Grace' }), 5));
  await activate(eventOf(personExport({ person: 'p4', firstName: 'Mary' }), 6));
  const transitions = await historyAt(opened, fansKey('p4'));
  expect(transitions).toMatchObject([{ did: 'deferred', class: 'transient', times: 3 }]);
  expect(transitions[0]?.reason).toContain('503 Service Unavailable');
});

test('a row says that its route was paused, and told after it', async () => {
  const paused = openActivation({ file: routeIn('paused') });
  await paused.activate(eventOf(personExport(), 1));
  const live = after(paused, routeIn('live'));
  await live.activate(eventOf(personExport(), 2));
  expect(await storyAt(live)).toEqual(['export paused', 'export entered delivered']);
});

test('a route in shadow mode keeps what it would have told', async () => {
  const opened = openActivation({ file: routeIn('shadow') });
  await opened.activate(eventOf(personExport(), 1));
  const key = { ...fansKey(), destination: shadowDestination('crm') };
  expect(await storyAt(opened, key)).toEqual(['export entered delivered']);
});

test('a row says who asked for it: a resync, a retirement, an erasure', async () => {
  const opened = openActivation({ file: routeIn('live') });
  await opened.activate(eventOf(personExport(), 1), eventOf(personExport({ person: 'p2' }), 2));
  await resync({ context: opened.context, destination: 'crm' }, { signal });
  const { identity } = fansKey('p2');
  await takeOut({ context: opened.context, destination: 'crm', identities: [identity] }, { signal });
  const retired = after(opened, routeIn('retired'));
  await retire({ context: retired.context, destination: 'crm' }, { signal });
  const told = ['export entered delivered', 'resync entered delivered'];
  expect(await storyAt(retired)).toEqual([...told, 'retirement exited delivered withheld']);
  expect(await storyAt(retired, fansKey('p2'))).toEqual([...told, 'erasure exited delivered withheld']);
});

test('a retired route and a former identity are why a person leaves', async () => {
  const opened = openActivation();
  await opened.activate(eventOf(personExport({ identities: { email: ['p1@example.com'] } }), 1));
  await opened.activate(eventOf(personExport(), 2));
  const former = { ...fansKey(), identity: { namespace: 'email', value: 'p1@example.com' } };
  expect(await storyAt(opened, former)).toEqual([
    'export entered delivered',
    'former-identity exited delivered withheld',
  ]);
  const retired = after(opened, routeIn('retired'));
  await retired.activate(eventOf(personExport(), 3));
  expect(await storyAt(retired)).toEqual(['export entered delivered', 'retirement exited delivered withheld']);
});

test('a newer state that another process writes meanwhile, our answer and the repair all stand in the row', async () => {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger });
  const other = openActivation({ ledger, destinations: opened, retryQueue: opened.retryQueue });
  opened.crm.onRequest = async () => {
    opened.crm.onRequest = () => undefined;
    await other.activate(eventOf(personExport({ firstName: 'Grace' }), 2));
  };
  await opened.activate(eventOf(personExport(), 1));
  expect(await storyAt(opened)).toEqual(['export entered delivered', 'export overtaken', 'repair entered delivered']);
});

test('an export that changes nothing makes no write, and so no transition', async () => {
  const opened = openActivation();
  await opened.activate(eventOf(personExport(), 1));
  const writes = opened.counter('ledger-writes');
  await opened.activate(eventOf(personExport(), 2));
  expect(opened.counter('ledger-writes')).toBe(writes);
  expect(await storyAt(opened)).toEqual(['export entered delivered']);
});
