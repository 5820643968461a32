import { InMemoryControls, type Control } from '@activation-hub/delivery';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansKey, openActivation, personExport } from '../testing/index.ts';
import { heldByPause, leftToRetries } from './held-back.ts';

const { signal } = new AbortController();
const paused = { class: 'paused', reason: 'an operator has paused the route' };

/** Parts with a route that an operator has paused. */
async function openPaused(over: Partial<Control> = {}) {
  const controls = new InMemoryControls();
  const opened = openActivation({ controls });
  const { context, clock } = opened;
  const scope = { destination: 'crm', audience: 'sports-fans' };
  const pause: Control = { action: 'pause', ...scope, by: 'ada', reason: 'migration', atMs: clock.nowMs, ...over };
  await controls.edit(() => [pause], signal);
  await context.controls?.follow(context);
  return opened;
}

test('a paused route is looked at again when its pause ends, and in an hour at the latest', async () => {
  const { context, clock } = await openPaused();
  const { nowMs } = clock;
  expect(heldByPause('crm', 'sports-fans', context)).toEqual({ ...paused, notBeforeMs: nowMs + 3_600_000 });
  expect(heldByPause('crm', 'travellers', context)).toBeUndefined();
  expect(heldByPause('ads', 'sports-fans', context)).toBeUndefined();
  const short = await openPaused({ untilMs: nowMs + 1_000, isShadow: true });
  const reason = 'an operator has put the route into shadow';
  expect(heldByPause('crm', 'sports-fans', short.context)).toEqual({ ...paused, reason, notBeforeMs: nowMs + 1_000 });
  short.clock.nowMs += 1_000;
  expect(heldByPause('crm', 'sports-fans', short.context)).toBeUndefined();
});

test('new exports leave a paused route, and a destination whose circuit is open, to retries', async () => {
  const { context, clock } = await openPaused();
  expect(leftToRetries('crm', 'travellers', context)).toBeUndefined();
  expect(leftToRetries('gone', 'travellers', context)).toBeUndefined();
  for (let n = 0; n < 3; n += 1) context.targets.get('crm')?.breaker.fail(clock.nowMs, 'Not reached.');
  expect(leftToRetries('crm', 'travellers', context)).toEqual({
    class: 'transient',
    reason: 'its circuit breaker is open after failures, the last of them: Not reached.',
    notBeforeMs: clock.nowMs + 5_000,
  });
  expect(leftToRetries('crm', 'sports-fans', context)).toEqual({ ...paused, notBeforeMs: clock.nowMs + 3_600_000 });
});

test('what a paused route is to be told waits in one retry and without a lease, and its row holds the newest', async () => {
  const { activate, context, crm, retryQueue, counter, outcomes } = await openPaused();
  const tell = (n: number): Promise<void> =>
    activate(eventOf(personExport({ firstName: `Name ${n}`, identities: { crmid: ['p1'] } }), n));
  for (const n of [1, 2, 3]) await tell(n);
  expect(counter('ledger-writes')).toBe(3);
  const waiting = await Array.fromAsync(retryQueue.waiting(signal));
  expect(waiting).toMatchObject([{ ...paused, attempts: 0 }]);
  const [row] = await readable(context.ledger).read([fansKey()], signal);
  expect(row?.record).toMatchObject({
    attributes: { firstname: 'Name 3' },
    rowState: { is: 'deferred', chainId: waiting[0] !== undefined && 'id' in waiting[0] ? waiting[0].id : '' },
  });
  expect([crm.requests, outcomes()]).toEqual([0, { 'crm deferred': 3 }]);
});
