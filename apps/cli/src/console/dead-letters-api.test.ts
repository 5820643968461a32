import { deadLetterName, InMemoryDeadLetters, InMemoryRetryQueue, type DeadLetter } from '@activation-hub/delivery';
import { exampleDeadLetter } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { renamedFile, renamedRow } from '../../testing/renamed-file.ts';
import { deadLettersApi, listLetters, replayLetters } from './dead-letters-api.ts';
import { Jobs } from './jobs.ts';
import type { Operator } from './operator.ts';

const { signal } = new AbortController();

/** The list of so many letters, of which the oldest `rare` have a reason of their own. */
async function listed(count: number, rare: number, reason?: string) {
  const deadLetters = new InMemoryDeadLetters();
  const { event } = exampleDeadLetter();
  const letters = Array.from({ length: count }, (_, index) =>
    exampleDeadLetter({
      outcome: 'rejected',
      destination: 'crm',
      class: 'invalid',
      event: { ...event, enqueuedAtMs: Date.UTC(2026, 0, 1) + index * 3_600_000, sequenceNumber: index },
      failures: [{ audience: 'vip', reason: index < rare ? 'A rare reason.' : 'The list is full.' }],
    }),
  );
  await deadLetters.put(letters, signal);
  const operator = { file: renamedFile, storage: { deadLetters } } as unknown as Operator;
  return listLetters(reason === undefined ? {} : { reason }, operator, signal);
}

test('a list has the newest letters, and says how many more there are', async () => {
  const { letters, more } = await listed(700, 1);
  expect([letters.length, more]).toEqual([300, 400]);
});

test('a reason is found among letters that are not the newest', async () => {
  const { letters, more } = await listed(700, 2, 'rare');
  expect([letters.length, more]).toEqual([2, 0]);
});

test('of very many letters only the newest are read, and the others are counted as not looked at', async () => {
  const { letters, more } = await listed(3_100, 2, 'rare');
  expect([letters.length, more]).toEqual([0, 100]);
});

/** The console of a hub whose destination and audience have other names than in these letters. */
async function openRenamed() {
  const deadLetters = new InMemoryDeadLetters();
  const retryQueue = new InMemoryRetryQueue();
  const { event } = exampleDeadLetter();
  const letterOf = (destination: string, failure: DeadLetter['failures'][number]): DeadLetter =>
    exampleDeadLetter({
      event: { ...event, enqueuedAtMs: Date.now() },
      outcome: 'rejected',
      destination,
      class: 'invalid',
      failures: [failure],
    });
  const former = letterOf('crm', { audience: 'best', rows: [renamedRow], reason: 'The list is full.' });
  const present = letterOf('ads', { audience: 'vip', rows: [renamedRow], reason: 'The list is full.' });
  const others = letterOf('other', { audience: 'vip', reason: 'It has no route.' });
  await deadLetters.put([former, present, others], signal);
  const operator = { file: renamedFile, storage: { deadLetters, retryQueue } } as unknown as Operator;
  const left = () => [...deadLetters.letters.keys()].length;
  return { operator, retryQueue, left, names: [former, present].map(deadLetterName) };
}

test.each(['ads', 'crm'])(
  'the letters of a destination are listed under all of its names, asked for as %s',
  async (destination) => {
    const { operator, names } = await openRenamed();
    const { letters, counts } = await listLetters({ destination }, operator, signal);
    expect(letters.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    expect(letters.map((letter) => letter.destination)).toEqual(['ads', 'ads']);
    expect(counts).toEqual([{ destination: 'ads', class: 'invalid', letters: 2 }]);
  },
);

test('letters under earlier names of a destination and of an audience are replayed', async () => {
  const { operator, retryQueue, left } = await openRenamed();
  const replayed = await replayLetters({ destination: 'ads' }, false, operator, {
    onProgress: () => undefined,
    signal,
  });
  expect(replayed).toEqual({ lines: ['Replayed 2 dead letters of ads, invalid.'], problems: [] });
  expect(left()).toBe(1);
  const retries = await Array.fromAsync(retryQueue.waiting(signal));
  expect(retries).toMatchObject([{ events: [{ rows: [renamedRow] }] }, { events: [{ rows: [renamedRow] }] }]);
  const rest = await replayLetters({}, false, operator, { onProgress: () => undefined, signal });
  expect(rest.problems).toEqual([
    '1 stay: the activation file has no route for their changes. Add the route, or purge them.',
  ]);
});

test('letters under the earlier name of a destination are purged with the others', async () => {
  const { operator, left } = await openRenamed();
  const jobs = new Jobs();
  const api = deadLettersApi(operator, jobs, () => undefined);
  const query = new URLSearchParams();
  const body = { filter: { destination: 'ads' }, dryRun: false };
  const { job } = (await api['POST dead-letters/purge']?.({ name: '', query, body, signal })) as { job: string };
  const view = () => jobs.api()['GET jobs/*']?.({ name: job, query, body: undefined, signal });
  await expect
    .poll(view)
    .toMatchObject({ isOver: true, result: { lines: ['Deleted 2 dead letters of ads, invalid.'] } });
  expect(left()).toBe(1);
});
