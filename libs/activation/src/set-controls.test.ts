import { InMemoryControls, type Control } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, parseTestFile, personExport } from '../testing/index.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';
import { NotAllWoken, pause, resume, retryNow, type AskContext } from './set-controls.ts';

const { signal } = new AbortController();
const asker = { by: 'ada', reason: 'migration' };
const text = `
version: 1
destinations:
  crm: { type: recording, formerly: [old-crm] }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid] }
      - { destination: ads, identity: [crmid] }
`;

function open() {
  const controls = new InMemoryControls();
  const opened = openActivation({ file: text, controls });
  const context = (): AskContext => ({
    file: parseTestFile(text),
    controls,
    retryQueue: opened.context.retryQueue,
    nowMs: opened.clock.nowMs,
  });
  const kept = (): Promise<readonly Control[]> => controls.read(signal);
  return { ...opened, ask: context, kept };
}

test('what is paused and resumed by these requests waits, and is told by workers that follow', async () => {
  const { ask, activate, retryDue, clock, crm, ads } = open();
  expect(await pause({ destination: 'crm' }, asker, ask(), signal)).toEqual({
    action: 'pause',
    destination: 'crm',
    ...asker,
    atMs: clock.nowMs,
  });
  await activate(eventOf(personExport(), 1));
  expect([crm.requests, ads.requests]).toEqual([0, 1]);
  clock.nowMs += 60_000;
  const resumed = await resume({ destination: 'crm' }, ask(), signal);
  expect(resumed).toMatchObject({ ended: { destination: 'crm', by: 'ada' }, woken: 1 });
  // Woken when every worker knows of it: none puts back what it takes for paused.
  clock.nowMs += 6_000;
  await retryDue();
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('a resume of what is not paused changes nothing, and one under another pause says which goes on', async () => {
  const { ask, kept } = open();
  expect(await resume({ destination: 'crm' }, ask(), signal)).toEqual({ woken: 0 });
  await pause({}, { ...asker, reason: 'freeze' }, ask(), signal);
  await pause({ destination: 'crm', audience: 'sports-fans' }, asker, ask(), signal);
  expect(await resume({ destination: 'crm' }, ask(), signal)).toMatchObject({
    stillPaused: { reason: 'freeze' },
    woken: 0,
  });
  expect(await resume({ destination: 'crm', audience: 'sports-fans' }, ask(), signal)).toMatchObject({
    ended: { audience: 'sports-fans' },
    stillPaused: { reason: 'freeze' },
    woken: 0,
  });
  expect(await resume({}, ask(), signal)).toMatchObject({ ended: { reason: 'freeze' } });
  expect(await kept()).toEqual([]);
});

/** Parts in which something waits for `crm`. */
async function openWaiting() {
  const opened = open();
  opened.crm.onRequest = () => {
    throw new DestinationError('transient', '503 Service Unavailable');
  };
  await opened.activate(eventOf(personExport(), 1));
  expect(await Array.fromAsync(opened.retryQueue.waiting(signal))).toHaveLength(1);
  return opened;
}

test('a pause that is kept under a name that the destination had before is replaced, resumed and told of', async () => {
  const { ask, kept } = await openWaiting();
  const { controls } = ask();
  const former: Control = { action: 'pause', destination: 'old-crm', ...asker, atMs: 1 };
  const ofRoute: Control = { ...former, audience: 'sports-fans' };
  await controls.edit(() => [former, ofRoute], signal);
  expect(await resume({ destination: 'crm', audience: 'sports-fans' }, ask(), signal)).toEqual({
    ended: ofRoute,
    stillPaused: { ...former, destination: 'crm' },
    woken: 0,
  });
  expect(await retryNow({ destination: 'crm' }, asker, ask(), signal)).toBe(0);
  expect(await resume({ destination: 'crm' }, ask(), signal)).toEqual({ ended: former, woken: 1 });
  await controls.edit(() => [former], signal);
  const later = await pause({ destination: 'crm' }, { ...asker, isShadow: true }, ask(), signal);
  expect(await kept()).toEqual([later]);
});

test('a pause of a route goes on when a file gives its audience another key, and is replaced and resumed by that', async () => {
  const { ask, kept, context, activate, crm, clock } = open();
  const before = { destination: 'crm', audience: 'sports-fans' };
  await pause(before, asker, ask(), signal);
  const renamed = text.replace('sports-fans:', 'fans:');
  const later = { ...ask(), file: parseTestFile(renamed) };
  const now = { destination: 'crm', audience: 'fans' };
  await activate(eventOf(personExport(), 1));
  expect(crm.requests).toBe(0);
  const opened = openActivation({ file: renamed, controls: ask().controls, ledger: context.ledger });
  opened.clock.nowMs = clock.nowMs;
  await opened.activate(eventOf(personExport({ person: 'p2' }), 2));
  expect([opened.crm.requests, opened.ads.requests]).toEqual([0, 1]);
  const replaced = await pause(now, { ...asker, reason: 'still' }, later, signal);
  expect(await kept()).toEqual([replaced]);
  expect(await resume(now, later, signal)).toMatchObject({ ended: { reason: 'still' } });
  expect(await kept()).toEqual([]);
});

test.each([
  ['a resume', resume],
  ['a request to try now', (scope: object, of: AskContext, by: AbortSignal) => retryNow(scope, asker, of, by)],
])('%s that ends before everything is woken says that it counts, and what to do', async (_what, act) => {
  const { ask, kept } = open();
  await pause({ destination: 'crm', audience: 'sports-fans' }, asker, ask(), signal);
  const scope = { destination: 'crm', audience: 'sports-fans' };
  const cause = new Error('stopped');
  const retryQueue = { wake: () => Promise.reject(cause) };
  const stopped: unknown = await act(scope, { ...ask(), retryQueue }, signal).catch((error: unknown) => error);
  expect(stopped).toBeInstanceOf(NotAllWoken);
  expect(stopped).toMatchObject({
    name: 'NotAllWoken',
    message:
      'Failed to wake everything that waits, although the request itself is kept. What is left comes by itself within an hour; activation retry-now tries it at once.',
    cause,
  });
  expect((await kept()).filter(({ action }) => action === 'pause')).toHaveLength(act === resume ? 0 : 1);
});

test('where no pause ends, or another one goes on, nothing that waits is woken', async () => {
  const { ask, clock } = await openWaiting();
  const route = { destination: 'crm', audience: 'sports-fans' };
  expect(await resume(route, ask(), signal)).toStrictEqual({ woken: 0 });
  await pause({ destination: 'crm' }, asker, ask(), signal);
  await pause(route, { ...asker, reason: 'list' }, ask(), signal);
  expect(await resume(route, ask(), signal)).toStrictEqual({
    ended: {
      action: 'pause',
      ...route,
      ledgerAudience: { namespace: 'ups', id: fansId },
      by: 'ada',
      reason: 'list',
      atMs: clock.nowMs,
    },
    stillPaused: { action: 'pause', destination: 'crm', ...asker, atMs: clock.nowMs },
    woken: 0,
  });
  expect(await resume({ destination: 'crm' }, ask(), signal)).toMatchObject({ woken: 1 });
});

test('a pause that is over by itself, and a request to try now, are no pause that ends', async () => {
  const { ask, clock } = await openWaiting();
  await retryNow({ destination: 'crm' }, asker, ask(), signal);
  expect(await resume({ destination: 'crm' }, ask(), signal)).toEqual({ woken: 0 });
  await pause({ destination: 'crm' }, { ...asker, untilMs: clock.nowMs + 5_000 }, ask(), signal);
  clock.nowMs += 5_000;
  expect(await resume({ destination: 'crm' }, ask(), signal)).toEqual({ woken: 0 });
});

test('a request to try now is kept as it was asked for, and what it wakes comes when every worker knows of it', async () => {
  const { ask, kept, clock, retryQueue } = await openWaiting();
  retryQueue.takeDue(Infinity);
  const asked = { action: 'retry-now', ...asker, atMs: clock.nowMs };
  await retryNow({}, asker, ask(), signal);
  expect(await kept()).toStrictEqual([asked]);
  expect(retryQueue.nextDueAtMs).toBe(clock.nowMs + controlsAgeMaxMs + 1_000);
  await retryNow({ destination: 'crm' }, asker, ask(), signal);
  expect(await kept()).toStrictEqual([asked, { ...asked, destination: 'crm' }]);
});

test('a request to try now wakes what waits, also under an earlier name, and nothing of what is paused', async () => {
  const { ask, activate, crm, ads, retryQueue, context } = open();
  const down = (): never => {
    throw new DestinationError('transient', '503 Service Unavailable');
  };
  crm.onRequest = down;
  ads.onRequest = down;
  await activate(eventOf(personExport(), 1));
  const [first] = await Array.fromAsync(retryQueue.waiting(signal));
  if (first === undefined) throw new Error('Nothing waits.');
  await context.retryQueue.put({ ...first, id: 'earlier', destination: 'old-crm' }, first.dueAtMs, signal);
  expect(await retryNow({ destination: 'crm' }, asker, ask(), signal)).toBe(2);
  expect(await retryNow({}, asker, ask(), signal)).toBe(3);
  await pause({ destination: 'crm' }, asker, ask(), signal);
  expect(await retryNow({}, asker, ask(), signal)).toBe(1);
});

test('a resume whose reply was lost, and which meets itself, wakes all the same', async () => {
  const { ask, activate } = open();
  await pause({ destination: 'crm' }, asker, ask(), signal);
  await activate(eventOf(personExport(), 1));
  const context = ask();
  const { controls } = context;
  const edit: typeof controls.edit = (edited, editSignal) => controls.edit((kept) => edited(edited(kept)), editSignal);
  const read = controls.read.bind(controls);
  const resumed = await resume({ destination: 'crm' }, { ...context, controls: { read, edit } }, signal);
  expect(resumed).toMatchObject({ ended: { destination: 'crm' }, woken: 1 });
});
