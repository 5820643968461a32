import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport } from '../testing/index.ts';
import type { ActivationContext } from './activation-context.ts';
import { activate, type ReceivedEvent } from './index.ts';

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
    settled: (): unknown =>
      opened.lines
        .map((line) => JSON.parse(line) as { readonly signal: string })
        .findLast(({ signal }) => signal === 'batch-settled'),
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
