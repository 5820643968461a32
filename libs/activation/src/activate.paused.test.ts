import { DestinationError, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { InMemoryControls, isSameScope, withControl, type Control } from '@activation-hub/delivery';
import { historyOf } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  travellersId,
  type TestActivation,
} from '../testing/index.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';

const { signal } = new AbortController();
const hourMs = 3_600_000;

const file = `
version: 1
destinations:
  crm: { type: recording, giveUpAfter: 2h }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: [crmid] }
  travellers:
    id: ${travellersId}
    activate: [{ destination: crm, identity: [crmid] }]
`;

/** An app whose operator pauses and resumes; each time passes that a worker may take to follow. */
function openWithOperator() {
  const store = new InMemoryControls();
  const opened = openActivation({ file, controls: store });
  const { clock, context, retryQueue } = opened;
  const follow = (): void => void (clock.nowMs += controlsAgeMaxMs);
  return {
    ...opened,
    ask: async (over: Partial<Control>): Promise<void> => {
      const control: Control = { action: 'pause', by: 'ada', reason: 'migration', atMs: clock.nowMs, ...over };
      await store.edit((controls) => withControl(controls, control, clock.nowMs), signal);
      follow();
    },
    /** As the command does it: the pause ends, and what waits is woken. */
    resume: async (scope: Pick<Control, 'destination' | 'audience'>): Promise<void> => {
      await store.edit((controls) => controls.filter((each) => !isSameScope(each, scope)), signal);
      follow();
      for (const destination of ['crm', 'ads'])
        await context.retryQueue.wake(destination, { nowMs: clock.nowMs, everyMs: 0, signal });
    },
    /** Lets time pass in steps, and does what is due. */
    pass: async (durationMs: number): Promise<void> => {
      for (const endMs = clock.nowMs + durationMs; clock.nowMs < endMs;) {
        clock.nowMs = Math.min(endMs, Math.max(clock.nowMs + 60_000, retryQueue.nextDueAtMs ?? endMs));
        await opened.retryDue();
      }
    },
  };
}

const settle = async ({ retryDue }: TestActivation): Promise<void> => {
  while ((await retryDue()) > 0);
};

const down = (): never => {
  throw new DestinationError('transient', '503 Service Unavailable');
};

test('a paused destination is told nothing, what is to be told waits at the cost of one write, and the others go on', async () => {
  const opened = openWithOperator();
  await opened.ask({ destination: 'crm' });
  const writes = opened.counter('ledger-writes');
  await opened.activate(eventOf(personExport(), 1));
  expect(opened.crm.requests).toBe(0);
  expect(opened.ads.story).toEqual(['entered sports-fans p1']);
  expect(opened.outcomes()).toEqual({ 'crm deferred': 1, 'ads delivered': 1 });
  expect(opened.counter('ledger-writes') - writes).toBe(3);
  const [row] = await readable(opened.context.ledger).read([fansKey()], signal);
  expect(row?.record.rowState.is).toBe('deferred');
  expect(historyOf(row?.record ?? {}).transitions).toMatchObject([
    { did: 'deferred', class: 'paused', reason: 'an operator has paused the destination' },
  ]);
  expect(opened.lines.filter((line) => line.includes('"destination-paused"'))).toHaveLength(1);
});

test('when it is resumed everything that waited is told once, in its newest state, the newest first', async () => {
  const opened = openWithOperator();
  await opened.ask({ destination: 'crm' });
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2));
  await opened.pass(10_000);
  await opened.activate(eventOf(personExport({ person: 'p1', firstName: 'Grace', at: 60 }), 3));
  await opened.activate(eventOf(personExport({ person: 'p2', status: 'exited', at: 60 }), 4));
  await opened.activate(eventOf(personExport({ person: 'p3' }), 5));
  await opened.pass(30 * 60_000);
  expect(opened.crm.requests).toBe(0);
  await opened.resume({ destination: 'crm' });
  await settle(opened);
  expect(opened.crm.story).toEqual(['entered sports-fans p3', 'entered sports-fans p1']);
  expect(opened.crm.members.get('sports-fans p1')).toEqual({ attributes: { firstname: 'Grace' } });
  expect(opened.lines.some((line) => line.includes('"destination-resumed"'))).toBe(true);
  await opened.pass(24 * hourMs);
  expect(opened.crm.story).toHaveLength(2);
  expect(opened.letters()).toEqual([]);
  expect(await Array.fromAsync(opened.context.retryQueue.waiting(signal))).toEqual([]);
});

test('a pause that is longer than a change may become gives nothing up, and after it the time counts anew', async () => {
  const opened = openWithOperator();
  await opened.ask({ destination: 'crm' });
  await opened.activate(eventOf(personExport(), 1));
  await opened.pass(72 * hourMs);
  expect(opened.letters()).toEqual([]);
  opened.crm.onRequest = down;
  await opened.resume({ destination: 'crm' });
  await settle(opened);
  expect(opened.crm.requests).toBe(1);
  expect(opened.letters()).toEqual([]);
  await opened.pass(hourMs);
  opened.crm.onRequest = () => undefined;
  await opened.pass(hourMs);
  expect(opened.crm.story).toEqual(['entered sports-fans p1']);
});

test('a pause ends by itself at its time, and then what waited is told without anybody who resumes', async () => {
  const opened = openWithOperator();
  const untilMs = opened.clock.nowMs + 10 * hourMs;
  await opened.ask({ destination: 'crm', untilMs });
  await opened.activate(eventOf(personExport(), 1));
  await opened.pass(untilMs - 60_000 - opened.clock.nowMs);
  expect(opened.crm.requests).toBe(0);
  expect(opened.retryQueue.nextDueAtMs).toBe(untilMs);
  await opened.pass(5 * 60_000);
  expect(opened.crm.story).toEqual(['entered sports-fans p1']);
});

test('a paused route is told nothing while the other routes of the destination go on, and nothing of it is lost', async () => {
  const opened = openWithOperator();
  await opened.ask({ destination: 'crm', audience: 'sports-fans' });
  await opened.activate(
    eventOf(personExport({ person: 'p1' }), 1),
    eventOf(personExport({ person: 'p1', audienceId: travellersId }), 2),
  );
  expect(opened.crm.story).toEqual(['entered travellers p1']);
  expect(opened.ads.story).toEqual(['entered sports-fans p1']);
  await opened.activate(eventOf(personExport({ person: 'p1', firstName: 'Grace' }), 3));
  await opened.pass(48 * hourMs);
  expect(opened.crm.story).toHaveLength(1);
  expect(opened.letters()).toEqual([]);
  expect(await Array.fromAsync(opened.context.retryQueue.waiting(signal))).toHaveLength(1);
  await opened.resume({ destination: 'crm', audience: 'sports-fans' });
  await settle(opened);
  expect(opened.crm.story.slice(1)).toEqual(['entered sports-fans p1']);
  expect(opened.crm.members.get('sports-fans p1')).toEqual({ attributes: { firstname: 'Grace' } });
  expect(await Array.fromAsync(opened.context.retryQueue.waiting(signal))).toEqual([]);
});

test.each([{}, { isShadow: true as const }])(
  'of a person who changes again and again while the route is held (%j), one retry waits, and the newest state is told',
  async (over) => {
    const opened = openWithOperator();
    await opened.ask({ destination: 'crm', audience: 'sports-fans', ...over });
    const writes = opened.counter('ledger-writes');
    for (let n = 1; n <= 300; n += 1) await opened.activate(eventOf(personExport({ firstName: `Name ${n}` }), n));
    // One write of each update, and one of what the other destination is told once.
    expect(opened.counter('ledger-writes') - writes).toBe(302);
    expect(opened.outcomes()).toMatchObject({ 'crm deferred': 300 });
    expect(await Array.fromAsync(opened.context.retryQueue.waiting(signal))).toHaveLength(1);
    const [row] = await readable(opened.context.ledger).read([fansKey()], signal);
    const reason = `an operator has ${'isShadow' in over ? 'put the route into shadow' : 'paused the route'}`;
    expect(historyOf(row?.record ?? {}).transitions.at(-1)).toMatchObject({ did: 'deferred', class: 'paused', reason });
    await opened.resume({ destination: 'crm', audience: 'sports-fans' });
    await settle(opened);
    expect(opened.crm.story).toEqual(['entered sports-fans p1']);
    expect(opened.crm.members.get('sports-fans p1')).toEqual({ attributes: { firstname: 'Name 300' } });
    expect(await Array.fromAsync(opened.context.retryQueue.waiting(signal))).toEqual([]);
  },
);

test('a route that is paused while its changes wait for their place is told no more of them', async () => {
  const opened = openWithOperator();
  opened.crm.onRequest = async () => {
    if (opened.crm.requests === 1) await opened.ask({ destination: 'crm', audience: 'sports-fans' });
    // As the timer of each call does it.
    await opened.context.controls?.follow(opened.context);
  };
  const people = Array.from({ length: 20 }, (_, n) => `p${n}`);
  await opened.activate(
    ...people.map((person, n) => eventOf(personExport({ person }), n)),
    ...people.map((person, n) => eventOf(personExport({ person, audienceId: travellersId }), 100 + n)),
  );
  const told = (audience: string): number => opened.crm.story.filter((line) => line.includes(audience)).length;
  // Two requests of five changes were under way.
  expect(told('sports-fans')).toBe(10);
  await opened.pass(48 * hourMs);
  expect([told('sports-fans'), told('travellers'), opened.letters()]).toEqual([10, 20, []]);
  opened.crm.onRequest = () => undefined;
  await opened.resume({ destination: 'crm', audience: 'sports-fans' });
  await settle(opened);
  expect([told('sports-fans'), opened.crm.members.size]).toEqual([20, 40]);
});

test('a pause of a route does not lose what its destination has accepted and not judged', async () => {
  const opened = openWithOperator();
  const { crm } = opened;
  const polled: string[] = [];
  const poll = (receipt: string, deliveries: readonly Delivery[]): Promise<readonly Verdict[]> => {
    polled.push(receipt);
    deliveries.forEach(({ change }) => crm.take(change));
    return Promise.resolve(deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' })));
  };
  Object.assign(crm, { poll });
  crm.answer = ({ id }) => ({ id, status: 'accepted', receipt: 'job-7', askAtMs: opened.clock.nowMs + 600_000 });
  await opened.activate(eventOf(personExport(), 1));
  await opened.ask({ destination: 'crm', audience: 'sports-fans' });
  await opened.pass(hourMs);
  expect(polled).toEqual(['job-7']);
  await opened.resume({ destination: 'crm', audience: 'sports-fans' });
  await opened.pass(hourMs);
  expect([crm.handed.length, crm.story]).toEqual([1, ['entered sports-fans p1']]);
  expect(opened.letters()).toEqual([]);
});

test('what waited for another reason before a pause began is not given up in it either', async () => {
  for (const audience of [undefined, 'sports-fans']) {
    const opened = openWithOperator();
    opened.crm.onRequest = down;
    await opened.activate(eventOf(personExport(), 1));
    opened.crm.onRequest = () => undefined;
    await opened.ask({ destination: 'crm', ...(audience === undefined ? {} : { audience }) });
    const reads = opened.counter('ledger-reads');
    await opened.pass(72 * hourMs);
    expect(opened.letters()).toEqual([]);
    // Of a paused destination nothing that waits is even looked at.
    if (audience === undefined) expect(opened.counter('ledger-reads')).toBe(reads);
    await opened.resume({ destination: 'crm', ...(audience === undefined ? {} : { audience }) });
    await settle(opened);
    expect(opened.crm.story).toEqual(['entered sports-fans p1']);
  }
});

test('a pause of everything holds every destination', async () => {
  const opened = openWithOperator();
  await opened.ask({});
  await opened.activate(eventOf(personExport(), 1));
  expect([opened.crm.requests, opened.ads.requests]).toEqual([0, 0]);
  await opened.resume({});
  await settle(opened);
  expect([opened.crm.story.length, opened.ads.story.length]).toEqual([1, 1]);
});

test('a request to try now lets an open circuit probe at once, and what waits is told', async () => {
  const opened = openWithOperator();
  opened.crm.onRequest = down;
  for (let n = 1; n <= 6; n += 1) {
    await opened.activate(eventOf(personExport({ person: `p${n}` }), n));
    await opened.pass(60_000);
  }
  opened.crm.onRequest = () => undefined;
  const { breaker } = opened.context.targets.get('crm') ?? {};
  expect(breaker?.openUntilMs(opened.clock.nowMs + controlsAgeMaxMs)).toBeDefined();
  await opened.ask({ action: 'retry-now', destination: 'crm' });
  await opened.context.retryQueue.wake('crm', { nowMs: opened.clock.nowMs, everyMs: 0, signal });
  await settle(opened);
  expect(opened.crm.story).toHaveLength(6);
  expect(breaker?.isClosed(opened.clock.nowMs)).toBe(true);
  // The same request is done, and does not probe again.
  expect(opened.lines.filter((line) => line.includes('"retry-asked"'))).toHaveLength(1);
});

test('controls that cannot be read stop nothing: the last known ones count, and an error says so once a minute', async () => {
  const store = new InMemoryControls();
  let isDown = true;
  const opened = openActivation({
    file,
    controls: {
      read: (of) =>
        isDown ? Promise.reject(new Error('Failed to read the controls: the store is down.')) : store.read(of),
    },
  });
  const errors = (): number => opened.lines.filter((line) => line.includes('"controls-unreadable"')).length;
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1));
  expect(opened.crm.story).toHaveLength(1);
  opened.clock.nowMs += controlsAgeMaxMs;
  await opened.activate(eventOf(personExport({ person: 'p2' }), 2));
  expect(errors()).toBe(1);

  isDown = false;
  const pause: Control = {
    action: 'pause',
    destination: 'crm',
    by: 'ada',
    reason: 'migration',
    atMs: opened.clock.nowMs,
  };
  await store.edit(() => [pause], signal);
  opened.clock.nowMs += 60_000;
  await opened.activate(eventOf(personExport({ person: 'p3' }), 3));
  isDown = true;
  opened.clock.nowMs += 60_000;
  await opened.activate(eventOf(personExport({ person: 'p4' }), 4));
  expect(opened.crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
  expect(errors()).toBe(2);
});

test('controls are read at most once in five seconds, however many calls run', async () => {
  let reads = 0;
  const opened = openActivation({
    file,
    controls: { read: () => Promise.resolve([]).finally(() => (reads += 1)) },
  });
  await Promise.all([1, 2, 3].map((n) => opened.activate(eventOf(personExport({ person: `p${n}` }), n))));
  expect(reads).toBe(1);
  opened.clock.nowMs += controlsAgeMaxMs;
  await opened.activate(eventOf(personExport(), 9));
  expect(reads).toBe(2);
});

test('neither who paused nor why stands in a log line', async () => {
  const opened = openWithOperator();
  await opened.ask({ destination: 'crm', by: 'grace@example.com', reason: 'because of Ada Lovelace' });
  await opened.activate(eventOf(personExport(), 1));
  expect(opened.lines.length).toBeGreaterThan(0);
  expect(opened.lines.join('\n')).not.toMatch(/grace|Lovelace/);
});
