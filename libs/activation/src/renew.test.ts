import { createTarget, InMemoryControls, isSameScope, withControl, type Control } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import type { LedgerRecord, LedgerSelection } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansKey,
  openActivation,
  personExport,
  type TestActivation,
} from '../testing/index.ts';
import { defaultFile } from '../testing/test-activation.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';
import { renew } from './tell-ledger.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;
const lifeDays = 100;

/** A ledger that says which of its rows were walked. */
class WalkedLedger extends DisturbedLedger {
  readonly walks: LedgerSelection[] = [];
  /** Called before each row of a walk is given. */
  beforeRow: () => void = () => undefined;

  override async *rows(of: LedgerSelection, walkSignal: AbortSignal) {
    this.walks.push(of);
    for await (const row of super.rows(of, walkSignal)) {
      this.beforeRow();
      yield row;
    }
  }
}

/** So many people who have just entered. */
async function open(people: number, over: Partial<Parameters<typeof openActivation>[0]> = {}) {
  const ledger = new WalkedLedger();
  const opened = openActivation({ ledger, membershipDays: lifeDays, ...over });
  const entries = Array.from({ length: people }, (_, number) => personExport({ person: `p${number}` }));
  await opened.activate(...entries.map((entry, number) => eventOf(entry, number)));
  ledger.walks.length = 0;
  opened.crm.told.length = 0;
  return { ...opened, ledger };
}

const night = ({ context, clock }: TestActivation, forMs = 600_000) =>
  renew({ context, destination: 'crm' }, { untilMs: clock.nowMs + forMs, signal });

async function recordOf({ context }: TestActivation, person = 'p0'): Promise<LedgerRecord> {
  const [row] = await readable(context.ledger).read([fansKey(person)], signal);
  if (row === undefined) throw new Error('there is no row');
  return row.record;
}

test('where memberships do not lapse, no row is walked and none says when it was told', async () => {
  const opened = await open(1, { membershipDays: undefined as never });
  opened.clock.nowMs += 1_000 * dayMs;
  expect(await night(opened)).toBeUndefined();
  expect(opened.ledger.walks).toEqual([]);
  expect(await recordOf(opened)).not.toHaveProperty('deliveredAtMs');
  // Another destination whose memberships lapse changes nothing for this one.
  const both = await open(1);
  expect(await renew({ context: both.context, destination: 'ads' }, { untilMs: Infinity, signal })).toBeUndefined();
  expect(both.ledger.walks).toEqual([]);
});

test('an audience that was filled in one day is told again in time, over many days, each member once', async () => {
  const people = 200;
  const opened = await open(people);
  const byNight: number[] = [];
  for (let day = 1; day <= 41; day += 1) {
    opened.clock.nowMs += dayMs;
    byNight.push((await night(opened))?.delivered ?? 0);
  }
  expect(byNight.slice(0, 29)).toEqual(Array.from({ length: 29 }, () => 0));
  expect(byNight.reduce((sum, told) => sum + told)).toBe(people);
  expect(new Set(opened.crm.told.map(({ identity }) => identity.value)).size).toBe(people);
  expect(new Set(opened.crm.told.map(({ kind }) => kind))).toEqual(new Set(['entered']));
  expect(Math.max(...byNight)).toBeLessThan(people / 4);
});

test('a member who is told again is told with the attributes of the row, and the row says when', async () => {
  const opened = await open(1);
  expect(await recordOf(opened)).toMatchObject({ deliveredAtMs: opened.clock.nowMs });
  opened.clock.nowMs += 50 * dayMs;
  expect(await night(opened)).toMatchObject({ rows: 1, delivered: 1, left: 0, late: 0, isWhole: true });
  expect(opened.crm.told).toMatchObject([{ kind: 'entered', attributes: { firstname: 'Ada' } }]);
  expect(await recordOf(opened)).toMatchObject({
    rowState: { is: 'delivered' },
    deliveredAtMs: opened.clock.nowMs,
    inDoubt: false,
  });
  expect(await night(opened)).toMatchObject({ rows: 0, delivered: 0 });
});

test.each(['paused', 'shadow', 'retired'])('nothing is told on a route of mode %s', async (mode) => {
  const opened = await open(1);
  const file = defaultFile.replace('identity: [crmid, email]', `identity: [crmid, email]\n        mode: ${mode}`);
  const { context } = openActivation({ file, membershipDays: lifeDays });
  opened.clock.nowMs += 50 * dayMs;
  const place = { context: { ...opened.context, matcher: context.matcher }, destination: 'crm' };
  expect(await renew(place, { untilMs: Infinity, signal })).toBeUndefined();
  expect(opened.crm.told).toEqual([]);
});

test.each([{ destination: 'crm' }, { destination: 'crm', audience: 'sports-fans' }])(
  'nothing is told while an operator has paused %j, and everything is afterwards',
  async (scope) => {
    const store = new InMemoryControls();
    const opened = await open(3, { controls: store });
    opened.clock.nowMs += 50 * dayMs;
    const pause: Control = { ...scope, action: 'pause', by: 'ada', reason: 'migration', atMs: opened.clock.nowMs };
    await store.edit((controls) => withControl(controls, pause, opened.clock.nowMs), signal);
    expect(await night(opened)).toMatchObject({ rows: 0, delivered: 0, deferred: 0 });
    expect(opened.crm.requests).toBe(1);
    expect(opened.retryQueue.nextDueAtMs).toBeUndefined();
    await store.edit((controls) => controls.filter((each) => !isSameScope(each, scope)), signal);
    opened.clock.nowMs += dayMs;
    expect(await night(opened)).toMatchObject({ rows: 3, delivered: 3 });
  },
);

test.each([{ destination: 'crm' }, { destination: 'crm', audience: 'sports-fans' }])(
  'a night that has begun tells no more members once an operator has paused %j, in an app without other work',
  async (scope) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const store = new InMemoryControls();
    const opened = await open(150, { controls: store });
    const { clock, crm } = opened;
    clock.nowMs += 50 * dayMs;
    const pauseMeanwhile = async () => {
      const pause: Control = { ...scope, action: 'pause', by: 'ada', reason: 'migration', atMs: clock.nowMs };
      await store.edit((controls) => withControl(controls, pause, clock.nowMs), signal);
      clock.nowMs += controlsAgeMaxMs;
      await vi.advanceTimersByTimeAsync(1_000);
    };
    let paused: Promise<void> | undefined;
    crm.onRequest = () => (paused ??= pauseMeanwhile());
    await night(opened);
    // Two requests of five members were under way.
    expect(crm.told).toHaveLength(10);
  },
);

test('rows are found under the first name of a destination that was renamed', async () => {
  const opened = await open(1);
  const file = defaultFile
    .replace('crm: { type: recording }', 'ads: { type: recording, formerly: [crm] }')
    .replace('destination: crm', 'destination: ads');
  const { context } = openActivation({ file });
  const { crm } = Object.fromEntries(opened.context.targets);
  if (crm === undefined) throw new Error('unreachable');
  opened.clock.nowMs += 50 * dayMs;
  const renamed = { ...opened.context, matcher: context.matcher, targets: new Map([['ads', { ...crm, key: 'ads' }]]) };
  const place = { context: renamed, destination: 'ads' };
  expect(await renew(place, { untilMs: Infinity, signal })).toMatchObject({ delivered: 1 });
  expect(new Set(opened.ledger.walks.map(({ destination }) => destination))).toEqual(new Set(['crm']));
});

test('when a night is not enough, who lapses first is told first, and the rest is counted', async () => {
  const opened = await open(0);
  for (const [index, person] of [4, 3, 2, 1, 0].entries()) {
    await opened.activate(eventOf(personExport({ person: `p${person}` }), index));
    opened.clock.nowMs += dayMs;
  }
  const others = Array.from({ length: 300 }, (_, number) => personExport({ person: `n${number}` }));
  await opened.activate(...others.map((entry, number) => eventOf(entry, 10 + number)));
  opened.crm.told.length = 0;
  opened.clock.nowMs += 46 * dayMs;
  // Five rows go into a request, which takes a second: a batch of a hundred takes 20, and none is
  // begun after 30.
  opened.crm.onRequest = () => void (opened.clock.nowMs += 1_000);
  expect(await night(opened, 30_000)).toMatchObject({ delivered: 200, left: 105, late: 0, isWhole: true });
  expect(opened.crm.told.slice(0, 5).map(({ identity }) => identity.value)).toEqual(['p4', 'p3', 'p2', 'p1', 'p0']);
  opened.clock.nowMs += 4 * dayMs;
  expect(await night(opened, 10_000)).toMatchObject({ delivered: 100, left: 5, late: 5 });
  expect(await night(opened, 10_000)).toMatchObject({ delivered: 5, left: 0, late: 0 });
});

test('a walk that takes too long ends, says so, and what it found is told', async () => {
  const opened = await open(60);
  opened.clock.nowMs += 50 * dayMs;
  let rows = 0;
  opened.ledger.beforeRow = () => {
    rows += 1;
    if (rows === 30) opened.clock.nowMs += 5 * 60_000;
  };
  const renewed = await night(opened, 8 * 60_000);
  expect(renewed).toMatchObject({ isWhole: false });
  // Eight parts are walked at once.
  expect(renewed?.delivered).toBeGreaterThan(20);
  expect(renewed?.delivered).toBeLessThan(30);
});

test('who leaves meanwhile is not brought back, whenever the exit comes', async () => {
  const left = personExport({ person: 'p0', status: 'exited', at: 60 });
  for (const when of ['before the row is read again', 'before the lease', 'while it is told'] as const) {
    const opened = await open(1);
    opened.clock.nowMs += 50 * dayMs;
    const exit = async () => {
      opened.ledger.beforeRead = opened.ledger.beforeWrite = () => undefined;
      opened.crm.onRequest = () => undefined;
      await opened.activate(eventOf(left, 60));
    };
    if (when === 'before the row is read again') opened.ledger.beforeRead = exit;
    if (when === 'before the lease') opened.ledger.beforeWrite = exit;
    if (when === 'while it is told') opened.crm.onRequest = exit;
    await night(opened);
    opened.clock.nowMs += 3_600_000;
    await opened.retryDue();
    expect(opened.crm.told.at(-1)?.kind, when).toBe('exited');
    expect([...opened.crm.members.keys()], when).toEqual([]);
    expect(await recordOf(opened), when).toMatchObject({ known: { isMember: false }, inDoubt: false });
  }
});

test('a destination that takes nothing is asked for one batch, which its retry tells, and the rest is left', async () => {
  const opened = await open(150);
  opened.clock.nowMs += 60 * dayMs;
  opened.crm.onRequest = () => {
    throw new DestinationError('transient', 'it is down');
  };
  expect(await night(opened)).toMatchObject({ delivered: 0, deferred: 100, left: 50, late: 50, gaveUp: true });
  opened.crm.onRequest = () => undefined;
  do opened.clock.nowMs += 3_600_000;
  while ((await opened.retryDue()) > 0);
  expect(opened.crm.told).toHaveLength(100);
  expect(await night(opened)).toMatchObject({ rows: 50, delivered: 50, left: 0, late: 0 });
  for (const { identity } of opened.crm.told) {
    const { deliveredAtMs = 0 } = await recordOf(opened, identity.value);
    expect(opened.clock.nowMs - deliveredAtMs).toBeLessThan(dayMs);
  }
});

test('a member whose telling was given up, or left under an expired lease, is told in the next night', async () => {
  const opened = await open(2);
  opened.clock.nowMs += 50 * dayMs;
  const { nowMs } = opened.clock;
  await opened.ledger.overwrite(fansKey('p0'), { ...(await recordOf(opened)), rowState: { is: 'given-up' } });
  const lease = { is: 'leased', holder: 'a process that is no more', expiresAtMs: nowMs + 500_000 } as const;
  await opened.ledger.overwrite(fansKey('p1'), { ...(await recordOf(opened, 'p1')), rowState: lease });
  expect(await night(opened)).toMatchObject({ rows: 1, delivered: 1 });
  opened.clock.nowMs += dayMs;
  expect(await night(opened)).toMatchObject({ rows: 1, delivered: 1 });
  expect(opened.crm.told.map(({ identity }) => identity.value)).toEqual(['p0', 'p1']);
});

test('a member whom a wrong clock has told, or leased, in years to come is told in time all the same', async () => {
  const opened = await open(2);
  opened.clock.nowMs += 50 * dayMs;
  const futureMs = opened.clock.nowMs + 1_000 * dayMs;
  const lease = { is: 'leased', holder: 'a process that is no more', expiresAtMs: futureMs } as const;
  await opened.ledger.overwrite(fansKey('p0'), { ...(await recordOf(opened)), deliveredAtMs: futureMs });
  await opened.ledger.overwrite(fansKey('p1'), { ...(await recordOf(opened, 'p1')), rowState: lease });
  expect(await night(opened)).toMatchObject({ rows: 2, delivered: 1, leftAlone: 1 });
  expect(await recordOf(opened)).toMatchObject({ deliveredAtMs: opened.clock.nowMs });
  opened.clock.nowMs += dayMs;
  expect(await night(opened)).toMatchObject({ rows: 1, delivered: 1 });
});

test('what a destination accepts and judges later counts as told, and is told a second time before it lapses', async () => {
  const opened = await open(1);
  opened.crm.answer = ({ id }) => ({ id, status: 'accepted', receipt: 'r', askAtMs: opened.clock.nowMs + 1 });
  const nights: number[] = [];
  for (let day = 1; day < lifeDays; day += 1) {
    opened.clock.nowMs += dayMs;
    if (((await night(opened))?.delivered ?? 0) > 0) nights.push(day);
  }
  expect(nights[1]).toBeLessThanOrEqual(82);
});

test.each([
  ['as many members as a request takes are told by one', 250, 250, 1],
  ['no more than a thousand members are told together, however many a request takes', 1_001, 5_000, 2],
])('%s', async (_, people, batchCount, requests) => {
  const opened = await open(people);
  const { context, clock, crm } = opened;
  const target = context.targets.get('crm');
  if (target === undefined) return expect.unreachable();
  const limits = { ...target.limits, batchCount, batchBytes: 10_000_000 };
  const targets = new Map([['crm', createTarget({ ...target, limits }, context.clock)]]);
  clock.nowMs += (lifeDays - 1) * dayMs;
  const before = crm.requests;
  expect(await night({ ...opened, context: { ...context, targets } })).toMatchObject({ delivered: people });
  expect(crm.requests - before).toBe(requests);
});
