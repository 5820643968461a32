import { createMatcher } from '@activation-hub/activation-file';
import {
  deadLetterName,
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  type Control,
  type DeadLetter,
} from '@activation-hub/delivery';
import { exampleDeadLetter } from '@activation-hub/delivery/testing';
import { InMemoryLedger } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, noonMs, parseTestFile, personExport } from '../testing/index.ts';
import { explain } from './index.ts';

const { signal } = new AbortController();
/** The destination was called `crm` before, and the audience had the key `sports-fans`. */
const file = parseTestFile(`
version: 1
destinations: { ads: { type: recording, formerly: crm } }
audiences: { fans: { id: ${fansId}, activate: [{ destination: ads, identity: [crmid] }] } }
`);

async function routesWith(letters: readonly DeadLetter[], controls: readonly Control[]) {
  const stores = { ledger: new InMemoryLedger(), retryQueue: new InMemoryRetryQueue() };
  const deadLetters = new InMemoryDeadLetters();
  await deadLetters.put(letters, signal);
  const of = { file, matcher: createMatcher(file), places: [], controls, nowMs: noonMs };
  return explain([{ namespace: 'crmid', value: 'p1' }], { ...of, ...stores, deadLetters }, signal);
}

const letterOf = (rows: readonly ReturnType<typeof fansKey>[]): DeadLetter =>
  exampleDeadLetter({
    event: eventOf(personExport(), 1),
    outcome: 'rejected',
    destination: 'crm',
    class: 'invalid',
    failures: [{ audience: 'sports-fans', reason: 'no such field', rows }],
  });

test('a dead letter whose audience had another key stands at the route of its row, and is replayed by its own name', async () => {
  const gone = { ...fansKey(), audience: { namespace: 'ups', id: 'gone' } };
  const letter = letterOf([gone, fansKey()]);
  const { routes, deadLetters } = await routesWith([letter], []);
  expect(deadLetters).toMatchObject([{ destination: 'crm', failures: [{ audience: 'fans' }] }]);
  expect(routes).toMatchObject([
    {
      destination: 'ads',
      audience: 'fans',
      deadLetters: [deadLetterName(letter)],
      actions: [{ command: ['activation', 'dead-letters', 'replay', '--destination', 'crm', '--class', 'invalid'] }],
    },
  ]);
  const unknown = await routesWith([letterOf([gone])], []);
  expect(unknown.deadLetters).toMatchObject([{ failures: [{ audience: 'sports-fans' }] }]);
  expect(unknown.routes).toMatchObject([{ deadLetters: [] }]);
});

test('a pause under a name that the destination had before is told, and ended by its present one', async () => {
  const pause: Control = { action: 'pause', destination: 'crm', atMs: 0, by: 'ada', reason: 'migration' };
  const { routes } = await routesWith([], [pause]);
  expect(routes).toMatchObject([
    { pause: { ...pause, destination: 'ads' }, actions: [{ command: ['activation', 'resume', 'ads'] }] },
  ]);
});
