import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport } from '../testing/index.ts';
import type { ActivationContext } from './activation-context.ts';
import { activate, activateRetry, type ReceivedEvent } from './index.ts';

/** Parts that remember what is observed, and what the last batch said of itself. */
function openObserved() {
  const opened = openActivation();
  const observed: string[] = [];
  const context: ActivationContext = {
    ...opened.context,
    observe: ({ outcome, audience, event }) =>
      void observed.push(`${outcome} ${audience} ${event?.sequenceNumber ?? '-'}`),
  };
  return {
    ...opened,
    observed,
    activate: (...events: readonly ReceivedEvent[]) => activate({ events }, context),
    settled: (what = 'batch-settled'): unknown =>
      opened.lines
        .map((line) => JSON.parse(line) as { readonly signal: string })
        .findLast(({ signal }) => signal === what),
  };
}

test('a batch says of which partition it is, from which event to which, and how long it took', async () => {
  const { activate: tell, clock, crm, settled } = openObserved();
  crm.onRequest = () => void (clock.nowMs += 250);
  await tell(
    eventOf(personExport({ person: 'p1' }), 7, { partitionId: '3' }),
    eventOf(personExport({ person: 'p2' }), 8, { partitionId: '3' }),
    eventOf(personExport({ person: 'p3' }), 9, { partitionId: '3' }),
  );
  expect(settled()).toMatchObject({
    partitionId: '3',
    events: 3,
    exports: 3,
    firstSequenceNumber: 7,
    lastSequenceNumber: 9,
    durationMs: 250,
  });
});

test('a retry says how often it was tried, how old it is, and what came of it', async () => {
  const { activate: tell, retryDue, clock, crm, retryQueue, settled } = openObserved();
  const deferredAtMs = clock.nowMs;
  crm.onRequest = () => {
    throw new DestinationError('set-up', 'No credentials.');
  };
  const alone = (person: string) => personExport({ identities: { crmid: [person] } });
  await tell(eventOf(alone('p1'), 7), eventOf(alone('p2'), 8));
  const dueAtMs = retryQueue.nextDueAtMs ?? NaN;
  clock.nowMs = dueAtMs;
  crm.onRequest = () => void (clock.nowMs += 250);
  await retryDue();
  expect(settled('retry-settled')).toMatchObject({
    destination: 'crm',
    events: 2,
    attempts: 1,
    ageMs: dueAtMs + 250 - deferredAtMs,
    outcomes: { crm: { delivered: 2 } },
    ledgerReads: 2,
    ledgerWrites: 4,
    formerIdentities: 0,
    durationMs: 250,
  });
});

test('a retry of which the clock says that it is yet to be deferred is of no age', async () => {
  const { activate: tell, context, crm, retryQueue, clock, settled } = openObserved();
  crm.onRequest = () => {
    throw new DestinationError('set-up', 'No credentials.');
  };
  await tell(eventOf(personExport(), 7));
  const [message = ''] = retryQueue.takeDue(retryQueue.nextDueAtMs ?? NaN);
  clock.nowMs -= 60_000;
  await activateRetry(message, context);
  expect(settled('retry-settled')).toMatchObject({ ageMs: 0 });
});

test('a batch without events says so', async () => {
  const { activate: tell, settled } = openObserved();
  await tell();
  expect(settled()).toMatchObject({ partitionId: '', events: 0, firstSequenceNumber: 0, lastSequenceNumber: 0 });
});

test('what a person’s identities or a newer export of the batch have ended is observed with its event', async () => {
  const { activate: tell, observed } = openObserved();
  await tell(
    eventOf(personExport({ identities: {} }), 1),
    eventOf(personExport({ person: 'p2', firstName: 'Ada' }), 2),
    eventOf(personExport({ person: 'p2', firstName: 'Eve' }), 3),
  );
  expect(observed.toSorted()).toEqual([
    'delivered sports-fans 3',
    'superseded sports-fans 2',
    'unresolved sports-fans 1',
  ]);
});

test('a change whose attribute is nested too deeply is observed with its subject', async () => {
  const { activate: tell, observed } = openObserved();
  const body = JSON.stringify(personExport()).replace(
    /"firstName":"[^"]*"/,
    `"firstName":${'['.repeat(200)}${']'.repeat(200)}`,
  );
  await tell({ ...eventOf(personExport(), 1), body: Buffer.from(body) });
  expect(observed).toEqual(['rejected sports-fans 1']);
});
