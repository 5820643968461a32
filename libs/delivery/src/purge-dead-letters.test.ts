import { expect, test } from 'vitest';
import { exampleDeadLetter } from '../testing/index.ts';
import { deadLetterName } from './dead-letters.ts';
import { InMemoryDeadLetters } from './in-memory-dead-letters.ts';
import { purgeDeadLetters } from './purge-dead-letters.ts';
import { candidateNames } from './select-dead-letters.ts';
import { UnreadableDocumentError } from './unreadable-document.ts';

const { signal } = new AbortController();
const letterOf = (sequenceNumber: number, givenUpAtMs = sequenceNumber) => {
  const { event } = exampleDeadLetter();
  return exampleDeadLetter({ event: { ...event, sequenceNumber }, givenUpAtMs });
};
const letters = (count: number) => Array.from({ length: count }, (_, n) => letterOf(n + 1));

/** A store that counts how many removals are under way at once. */
class CountingDeadLetters extends InMemoryDeadLetters {
  under = 0;
  underMax = 0;

  override async remove(...asked: Parameters<InMemoryDeadLetters['remove']>): Promise<void> {
    this.under += 1;
    this.underMax = Math.max(this.underMax, this.under);
    await Promise.resolve();
    await super.remove(...asked);
    this.under -= 1;
  }
}

const left = (deadLetters: InMemoryDeadLetters) => Array.fromAsync(deadLetters.names('', signal));

test('the letters of the names are deleted, some at a time, with their progress', async () => {
  const deadLetters = new CountingDeadLetters();
  await deadLetters.put(letters(40), signal);
  const names = await candidateNames(deadLetters, {}, signal);
  const done: number[] = [];
  const purged = await purgeDeadLetters(names, {}, deadLetters, { signal, onProgress: (each) => done.push(each) });
  expect(purged).toMatchObject({ letters: 40, newestGivenUpAtMs: 40, unreadable: [] });
  expect(await left(deadLetters)).toEqual([]);
  expect(done).toEqual([16, 32, 40]);
  expect(deadLetters.underMax).toBe(16);
});

test('what is shown is what is deleted: letters that come after the dry run stay', async () => {
  const deadLetters = new InMemoryDeadLetters();
  await deadLetters.put(letters(3), signal);
  const dry = await purgeDeadLetters(await candidateNames(deadLetters, {}, signal), {}, deadLetters, {
    signal,
    dryRun: true,
  });
  expect(dry).toMatchObject({ letters: 3, newestGivenUpAtMs: 3 });
  expect(await left(deadLetters)).toHaveLength(3);

  await deadLetters.put([letterOf(4)], signal);
  const filter = { givenUpToMs: dry.newestGivenUpAtMs ?? NaN };
  const names = await candidateNames(deadLetters, filter, signal);
  const purged = await purgeDeadLetters(names, filter, deadLetters, { signal });
  expect(purged.letters).toBe(3);
  expect(await left(deadLetters)).toEqual([deadLetterName(letterOf(4))]);
});

test('of nothing there is no newest, and no progress', async () => {
  const done: number[] = [];
  const onProgress = (each: number) => done.push(each);
  expect(await purgeDeadLetters([], {}, new InMemoryDeadLetters(), { signal, onProgress })).toStrictEqual({
    purged: [],
    letters: 0,
    unreadable: [],
  });
  expect(done).toEqual([]);
});

test('a dry run tells its progress too, which ends with the last name', async () => {
  const deadLetters = new InMemoryDeadLetters();
  await deadLetters.put(letters(32), signal);
  const names = await candidateNames(deadLetters, {}, signal);
  const done: number[] = [];
  const onProgress = (each: number) => done.push(each);
  await purgeDeadLetters(names, {}, deadLetters, { signal, dryRun: true, onProgress });
  expect(done).toEqual([16, 32]);
});

test('only what is selected is deleted, and counted by destination and class', async () => {
  const deadLetters = new InMemoryDeadLetters();
  const destination = 'crm';
  const wanted = { destination, failures: [{ audience: 'sports-fans', reason: 'Unknown field.' }] };
  const other = exampleDeadLetter({ destination, failures: [{ audience: 'sports-fans', reason: 'Too large.' }] });
  // The newest comes first: the latest is named, not the last.
  const told = [
    exampleDeadLetter({ ...wanted, class: 'a', givenUpAtMs: 9 }),
    exampleDeadLetter({ ...wanted, class: 'b', givenUpAtMs: 7 }),
    { ...letterOf(5, 8), ...wanted, class: 'b' },
  ];
  await deadLetters.put([...told, other], signal);
  const purged = await purgeDeadLetters(await left(deadLetters), { reason: 'unknown' }, deadLetters, { signal });
  expect(purged).toStrictEqual({
    purged: [
      { destination, class: 'a', letters: 1 },
      { destination, class: 'b', letters: 2 },
    ],
    letters: 3,
    newestGivenUpAtMs: 9,
    unreadable: [],
  });
  expect(await left(deadLetters)).toEqual([deadLetterName(other)]);
});

test('a purge whose store cannot be reached fails', async () => {
  const deadLetters = new InMemoryDeadLetters();
  await deadLetters.put(letters(2), signal);
  const names = await left(deadLetters);
  deadLetters.remove = () => Promise.reject(new Error('unreachable'));
  await expect(purgeDeadLetters(names, {}, deadLetters, { signal })).rejects.toThrow('unreachable');
});

test('a purge that is stopped counts what it has deleted, and goes on when it is started again', async () => {
  const deadLetters = new InMemoryDeadLetters();
  await deadLetters.put(letters(40), signal);
  const names = await candidateNames(deadLetters, {}, signal);
  const stopping = new AbortController();
  const onProgress = () => stopping.abort(new Error('stopped'));
  const stopped = await purgeDeadLetters(names, {}, deadLetters, { signal: stopping.signal, onProgress });
  expect(stopped.letters).toBe(16);
  expect(await left(deadLetters)).toHaveLength(24);
  expect((await purgeDeadLetters(names, {}, deadLetters, { signal })).letters).toBe(24);
});

test('a letter that cannot be read stays, and is named', async () => {
  const deadLetters = new InMemoryDeadLetters();
  await deadLetters.put(letters(2), signal);
  const names = await left(deadLetters);
  const read = deadLetters.read.bind(deadLetters);
  deadLetters.read = (name, readSignal) =>
    name === names[0] ? Promise.reject(new UnreadableDocumentError('Cut.', name)) : read(name, readSignal);
  expect(await purgeDeadLetters(names, {}, deadLetters, { signal })).toMatchObject({
    letters: 1,
    unreadable: [names[0]],
  });
  expect(await left(deadLetters)).toEqual([names[0]]);
});
