import type { Retry } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansKey,
  memberAt,
  noonMs,
  openActivation,
  personExport,
  putRow,
  untoldRowOf,
} from '../testing/index.ts';
import { activate, retryWork, type ActivationContext } from './index.ts';

/** Parts of which a test knows how old the changes were that destinations took. */
function openMeasured() {
  const opened = openActivation();
  const ages: unknown[] = [];
  const context: ActivationContext = {
    ...opened.context,
    telemetry: {
      ...opened.context.telemetry,
      record: (...measured) => {
        if (measured[0] === 'change-age') ages.push(measured);
      },
    },
  };
  const tell = (...exports: Parameters<typeof personExport>) =>
    activate({ events: [eventOf(personExport(...exports), 1)] }, context);
  return { ...opened, context, ages, tell };
}

test('the age of a change is how long ago the hub took its event when the destination has taken it', async () => {
  const { ages, tell, crm, clock } = openMeasured();
  clock.nowMs = noonMs + 31_000;
  crm.onRequest = () => void (clock.nowMs += 250);
  await tell();
  expect(ages).toEqual([['change-age', 30.25, { destination: 'crm' }]]);
  // What changes nothing is taken by no one.
  await tell();
  expect(ages).toHaveLength(1);
});

test('what a destination does not take has no age', async () => {
  const { ages, tell, crm } = openMeasured();
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'locked' });
  await tell();
  expect(crm.requests).toBe(1);
  expect(ages).toEqual([]);
});

test('an event that is newer than this clock is of no age', async () => {
  const { ages, tell, clock } = openMeasured();
  clock.nowMs = noonMs - 60_000;
  await tell();
  expect(ages).toEqual([['change-age', 0, { destination: 'crm' }]]);
});

test('a repair has no age: it tells another state than that of the event with which it came', async () => {
  const { ages, crm, context } = openMeasured();
  await putRow(context.ledger, fansKey(), untoldRowOf(memberAt(60), { rowState: { is: 'given-up' } }));
  const events = [{ event: eventOf(personExport({ at: 0 }), 1), audiences: ['sports-fans'], rows: [] }];
  const replay = { id: 'r1', destination: 'crm', events, rows: [], attempts: 0, firstDeferredAtMs: noonMs };
  const retry: Retry = { ...replay, class: 'transient', reason: 'It was down.', isReplay: true };
  await activate(retryWork(retry), context);
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(ages).toEqual([]);
});
