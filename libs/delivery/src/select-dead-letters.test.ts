import { expect, test } from 'vitest';
import { exampleDeadLetter } from '../testing/index.ts';
import type { DeadLetter } from './dead-letters.ts';
import { candidateNames, readSelected, type DeadLetterFilter } from './select-dead-letters.ts';
import { UnreadableDocumentError } from './unreadable-document.ts';

const { signal } = new AbortController();
const dayMs = (day: number, hour = 12): number => Date.UTC(2026, 0, day, hour);

/**
 * The names that may be selected of one letter a day from the 9th to the 12th, and which prefix was
 * asked for.
 */
async function candidates(filter: DeadLetterFilter): Promise<{ days: readonly number[]; prefix: string | undefined }> {
  let prefix: string | undefined;
  const names = async function* (begin: string) {
    prefix = begin;
    for (const day of ['09', '10', '11', '12']) yield await Promise.resolve(`2026-01-${day}/crm/invalid/0-1-a`);
  };
  const found = await candidateNames({ names }, filter, signal);
  return { days: found.map((name) => Number(name.slice(8, 10))), prefix };
}

test.each<[string, DeadLetterFilter, number[], string]>([
  ['without bounds', {}, [9, 10, 11, 12], ''],
  ['from a time', { fromMs: dayMs(10, 23) }, [10, 11, 12], ''],
  ['up to a time', { toMs: dayMs(11, 1) }, [9, 10, 11], ''],
  ['between two', { fromMs: dayMs(10), toMs: dayMs(11) }, [10, 11], '2026-01-1'],
  ['of one day', { fromMs: dayMs(10, 1), toMs: dayMs(10, 2) }, [10], '2026-01-10'],
])(
  '%s, letters are candidates by their days, and only what these begin with alike is listed',
  async (_, filter, days, prefix) => {
    expect(await candidates(filter)).toEqual({ days, prefix });
  },
);

test('a letter is selected by its time to the millisecond, and by one of its reasons', async () => {
  const letter = exampleDeadLetter({ failures: [{ reason: 'Locked.' }, { reason: 'No such field.' }] });
  const { enqueuedAtMs } = letter.event;
  const isSelected = async (filter: DeadLetterFilter): Promise<boolean> => {
    const read = (): Promise<DeadLetter> => Promise.resolve(letter);
    return (await Array.fromAsync(readSelected({ read }, ['one'], filter, signal))).length === 1;
  };
  expect(await isSelected({ fromMs: enqueuedAtMs, toMs: enqueuedAtMs })).toBe(true);
  expect(await isSelected({ fromMs: enqueuedAtMs + 1 })).toBe(false);
  expect(await isSelected({ toMs: enqueuedAtMs - 1 })).toBe(false);
  expect(await isSelected({ reason: 'FIELD' })).toBe(true);
  expect(await isSelected({ reason: 'unheard of' })).toBe(false);
});

test('a letter is selected up to the time at which it was given up, to the millisecond', async () => {
  const letter = exampleDeadLetter({ givenUpAtMs: 1_000 });
  const read = (): Promise<DeadLetter> => Promise.resolve(letter);
  const selected = async (filter: DeadLetterFilter): Promise<unknown> =>
    Array.fromAsync(readSelected({ read }, ['one'], filter, signal));
  expect(await selected({ givenUpToMs: 1_000 })).toEqual([{ name: 'one', letter }]);
  expect(await selected({ givenUpToMs: 999 })).toEqual([]);
});

test('letters are read some at a time, each once and in order', async () => {
  const letter = exampleDeadLetter();
  const names = Array.from({ length: 40 }, (_, number) => `letter-${number}`);
  const reads: string[] = [];
  const read = (name: string): Promise<DeadLetter> => {
    reads.push(name);
    return Promise.resolve(letter);
  };
  const found = readSelected({ read }, names, {}, signal);
  await found.next();
  expect(reads).toEqual(names.slice(0, 16));
  expect(await Array.fromAsync(found)).toEqual(names.slice(1).map((name) => ({ name, letter })));
  expect(reads).toEqual(names);
});

test('a letter that is gone is left out, and one that cannot be read is named whatever the filter says', async () => {
  const letter = exampleDeadLetter();
  const read = (name: string): Promise<DeadLetter | undefined> => {
    if (name === 'gone') return Promise.resolve(undefined);
    return name === 'broken' ? Promise.reject(new UnreadableDocumentError('No JSON.', name)) : Promise.resolve(letter);
  };
  const found = readSelected({ read }, ['gone', 'broken', 'whole'], { fromMs: 0 }, signal);
  expect(await Array.fromAsync(found)).toEqual([{ unreadable: 'broken' }, { name: 'whole', letter }]);
});
