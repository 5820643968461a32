import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import { createTarget, InMemoryControls, type Control } from '@activation-hub/delivery';
import { lease, ledgerKeyText, type LedgerRecord, type MembershipState } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { fansKey, noonMs, openActivation } from '../testing/index.ts';
import { deliverRows, deliveryOf, type LeasedRow } from './deliver-rows.ts';
import { Tally } from './tally.ts';
import { tellRows } from './tell-rows.ts';

const { signal } = new AbortController();
const limit = { signal, graceMs: 0 };

/** The fans and their route to `crm`, as the file of these parts has them. */
function fansOf({ matcher }: ReturnType<typeof openActivation>['context']): {
  readonly audience: AudienceEntry;
  readonly route: Route;
} {
  const { destination, audience } = fansKey();
  return matcher.routeOf({ destination, audience }) ?? expect.unreachable();
}

const member: MembershipState = {
  status: 'realized',
  isMember: true,
  qualifiedAtMs: noonMs,
  enqueuedAtMs: noonMs,
  sequenceNumber: 1,
  content: '',
};

/** A row of the fans at `crm`, leased for its entry unless told otherwise. */
function leasedRow(
  { context }: Pick<ReturnType<typeof openActivation>, 'context'>,
  over: Partial<LeasedRow> & { readonly record?: Partial<LedgerRecord> } = {},
): LeasedRow {
  const { record: also, ...rest } = over;
  const key = fansKey();
  const record = lease(undefined, { state: member, attributes: {} }, { holder: 'this', expiresAtMs: noonMs });
  const row = { record: { ...record, ...also }, version: '1' };
  const leased = { key, keyText: ledgerKeyText(key), row, kind: 'entered', state: member, isRepair: false } as const;
  return { ...leased, ...fansOf(context), ...rest };
}

test('rows are told where no controls are followed, as in a dry run', async () => {
  const opened = openActivation();
  const { controls, ...context } = opened.context;
  expect(controls).toBeDefined();
  const [told] = await deliverRows([leasedRow(opened)], context, limit);
  expect(told?.result).toEqual({ status: 'delivered' });
  expect(opened.crm.told.map(({ id }) => id)).toEqual([told?.changeId]);
});

test('rows of a destination that is not set up are a defect, which is said', async () => {
  const opened = openActivation();
  const context = { ...opened.context, targets: new Map() };
  await expect(deliverRows([leasedRow(opened)], context, limit)).rejects.toThrow(
    'Failed to deliver: no destination is set up as crm.',
  );
});

test.each([
  ['an hour, so that a pause that ends early is found out', undefined, 3_600_000],
  ['the end of the pause, where that is earlier', 600_000, 600_000],
])('a row of a paused route waits without having been tried, for %s', async (_, lastsMs, waitsMs) => {
  const controls = new InMemoryControls();
  const opened = openActivation({ controls });
  const { context, clock, crm } = opened;
  const untilMs = lastsMs === undefined ? {} : { untilMs: clock.nowMs + lastsMs };
  const scope = { destination: 'crm', audience: 'sports-fans' };
  const pause: Control = { action: 'pause', by: 'ada', reason: 'migration', atMs: clock.nowMs, ...scope, ...untilMs };
  await controls.edit(() => [pause], signal);
  await context.controls?.follow(context);
  const [told] = await deliverRows([leasedRow(opened)], context, limit);
  expect(told?.result).toEqual({
    status: 'retry',
    class: 'paused',
    reason: 'an operator has paused the route',
    wasTried: false,
    notBeforeMs: clock.nowMs + waitsMs,
  });
  expect(told?.changeId).toBe(deliveryOf(leasedRow(opened)).change.id);
  expect(crm.handed).toEqual([]);
});

test('a repair that the destination accepts counts as delivered, for no one could ask for it later', async () => {
  const opened = openActivation();
  const { context, crm } = opened;
  crm.answer = ({ id }) => ({ id, status: 'accepted', receipt: 'r1', askAtMs: noonMs });
  const receipts = new Map<string, string>();
  const [repair] = await deliverRows([leasedRow(opened, { isRepair: true })], context, { ...limit, receipts });
  expect(repair?.result).toEqual({ status: 'delivered' });
  const [other] = await deliverRows([leasedRow(opened)], context, { ...limit, receipts });
  expect(other?.result).toMatchObject({ status: 'retry', receipt: 'r1' });
});

test('a repair that is not taken is to be tried again', async () => {
  const opened = openActivation();
  opened.crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'busy' });
  const receipts = new Map<string, string>();
  const [told] = await deliverRows([leasedRow(opened, { isRepair: true })], opened.context, { ...limit, receipts });
  expect(told?.result).toMatchObject({ status: 'retry', reason: 'busy' });
});

test('the life of a membership begins when its destination is told, and an exit has none', async () => {
  const opened = openActivation({ membershipDays: 30 });
  const toldAtMs = opened.clock.nowMs;
  opened.crm.onRequest = () => void (opened.clock.nowMs += 5_000);
  const [entry] = await deliverRows([leasedRow(opened)], opened.context, limit);
  expect(entry?.deliveredAtMs).toBe(toldAtMs);
  const [exit] = await deliverRows([leasedRow(opened, { kind: 'exited' })], opened.context, limit);
  expect(exit).not.toHaveProperty('deliveredAtMs');
});

test('where memberships do not lapse, a row does not say when it was told', async () => {
  const opened = openActivation();
  const [entry] = await deliverRows([leasedRow(opened)], opened.context, limit);
  expect(entry).not.toHaveProperty('deliveredAtMs');
});

test('a change has what is known, and no key without a value', () => {
  const opened = openActivation();
  const plain = leasedRow(opened);
  const change = {
    id: expect.stringMatching(/^[A-Za-z0-9_-]{27}$/) as string,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: plain.key.audience.id },
    identity: plain.key.identity,
    qualifiedAt: '2026-01-15T12:00:00.000Z',
    attributes: {},
  };
  expect(deliveryOf(plain)).toStrictEqual({ change, options: {} });
  const named = leasedRow(opened, {
    kind: 'updated',
    audienceName: 'Fans',
    record: { attributes: { firstname: 'Eve' }, deliveredAttributes: { firstname: 'Ada' }, inDoubt: true },
  });
  expect(deliveryOf(named).change).toStrictEqual({
    ...change,
    kind: 'updated',
    audience: { ...change.audience, name: 'Fans' },
    attributes: { firstname: 'Eve' },
    previousAttributes: { firstname: 'Ada' },
    isInDoubt: true,
  });
  expect(deliveryOf({ ...named, kind: 'exited' }).change).not.toHaveProperty('previousAttributes');
});

test('the name of an audience in the file goes before the one of the export', () => {
  const opened = openActivation();
  const row = leasedRow(opened, { audienceName: 'Fans in AEP' });
  const change = deliveryOf({ ...row, audience: { ...row.audience, name: 'Fans' } }).change;
  expect(change.audience.name).toBe('Fans');
});

test('what is fresh is not aborted by the deadline of a call that shares its request', async () => {
  const { context: opened, crm } = openActivation();
  const graces: number[] = [];
  // No grace is ever over.
  const sleep = async (durationMs: number, until: AbortSignal): Promise<void> => {
    graces.push(durationMs);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    until.addEventListener('abort', () => resolve(undefined));
    await promise;
  };
  const clock = { ...opened.clock, sleep };
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 };
  const of = { key: 'crm', connector: crm, limits, batchBy: 'destination', giveUpAfterMs: 86_400_000 } as const;
  const context = { ...opened, clock, targets: new Map([['crm', createTarget(of, clock)]]) };
  const answers = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  crm.onRequest = () => answers[crm.requests - 1]?.promise;
  const tell = async (person: string, deadline = signal) => {
    const key = fansKey(person);
    const row = { ...leasedRow({ context }), key, keyText: ledgerKeyText(key) };
    const [told] = await tellRows([row], { context, deadline, settleBy: signal, tally: new Tally(context) });
    return told?.fate;
  };
  const first = tell('p1');
  await expect.poll(() => crm.requests).toBe(1);
  const deadline = new AbortController();
  const [old, fresh] = [tell('p2', deadline.signal), tell('p3')];
  answers[0]?.resolve(undefined);
  expect(await first).toBe('delivered');
  await expect.poll(() => crm.handed.length).toBe(3);
  deadline.abort();
  expect(await old).toBe('unanswered');
  answers[1]?.resolve(undefined);
  expect(await fresh).toBe('delivered');
  expect(crm.requests).toBe(2);
  expect(graces).toEqual([context.timing.settleByMs - context.timing.deadlineMs]);
});
