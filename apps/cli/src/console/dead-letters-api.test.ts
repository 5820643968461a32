import { InMemoryDeadLetters } from '@activation-hub/delivery';
import { exampleDeadLetter } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { listLetters } from './dead-letters-api.ts';
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
  const operator = { storage: { deadLetters } } as unknown as Operator;
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
