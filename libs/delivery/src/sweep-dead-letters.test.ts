import { expect, test } from 'vitest';
import { exampleDeadLetter } from '../testing/index.ts';
import { deadLetterKeepMs, deadLetterName } from './dead-letters.ts';
import { InMemoryDeadLetters } from './in-memory-dead-letters.ts';
import { sweepDeadLetters } from './sweep-dead-letters.ts';

const { signal } = new AbortController();
const nowMs = Date.UTC(2026, 5, 1, 3);
const letterOf = (enqueuedAtMs: number) => exampleDeadLetter({ event: { ...exampleDeadLetter().event, enqueuedAtMs } });

test('letters of older events are removed however late they were written, and the others stay', async () => {
  const store = new InMemoryDeadLetters();
  const [old, rewritten, young] = [100, 91, 90].map((days) => letterOf(nowMs - days * 86_400_000));
  if (old === undefined || rewritten === undefined || young === undefined) throw new Error('unreachable');
  await store.put([old, rewritten, young], signal);
  await store.edit(deadLetterName(rewritten), (letter) => ({ ...letter, givenUpAtMs: nowMs - 1 }), signal);
  expect(await sweepDeadLetters(store, { nowMs, signal })).toEqual({ removed: 2 });
  expect([...store.letters.keys()]).toEqual([deadLetterName(young)]);
  expect(await sweepDeadLetters(store, { nowMs: nowMs + deadLetterKeepMs, signal })).toEqual({ removed: 1 });
});

test('no letters are no work', async () => {
  expect(await sweepDeadLetters(new InMemoryDeadLetters(), { nowMs, signal })).toEqual({ removed: 0 });
});

test('what is not named after a day is no letter of ours, and stays', async () => {
  const removed: string[] = [];
  const store = {
    names: async function* () {
      yield* await Promise.resolve(['0', '0/2000-01-01/crm', '2000-01-01/crm/invalid/1', '2000-01-02']);
    },
    remove: (name: string) => Promise.resolve(void removed.push(name)),
  };
  expect(await sweepDeadLetters(store, { nowMs, signal })).toEqual({ removed: 1 });
  expect(removed).toEqual(['2000-01-01/crm/invalid/1']);
});
