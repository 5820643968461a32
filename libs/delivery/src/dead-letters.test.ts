import { expect, test } from 'vitest';
import { describeDeadLettersContract, exampleDeadLetter } from '../testing/index.ts';
import { deadLetterName, shownOf } from './dead-letters.ts';
import { InMemoryDeadLetters } from './in-memory-dead-letters.ts';

describeDeadLettersContract('the in-memory dead letters', () => Promise.resolve(new InMemoryDeadLetters()));

test('of a letter neither the body nor the rows are shown, which hold personal data', () => {
  const row = {
    destination: 'crm',
    identity: { namespace: 'email', value: 'ada@example.com' },
    audience: { namespace: 'ups', id: 'fans' },
  };
  const body = Buffer.from('{"email":"ada@example.com"}');
  const failure = { audience: 'sports-fans', changeId: 'abc', reason: 'The receiver refused it.' };
  const { event } = exampleDeadLetter();
  const letter = exampleDeadLetter({ event: { ...event, body }, failures: [{ ...failure, rows: [row] }] });
  const shown = shownOf(letter);
  expect(JSON.stringify(shown)).not.toContain('ada@');
  expect(shown).toEqual({
    partitionId: '3',
    sequenceNumber: 4711,
    enqueuedAtMs: event.enqueuedAtMs,
    bodyBytes: body.byteLength,
    outcome: 'unreadable',
    class: 'not-utf8',
    attempts: 0,
    givenUpAtMs: letter.givenUpAtMs,
    failures: [failure],
  });
});

test('a letter has the same name for ever, whatever the order of what failed in it', () => {
  const failures = [{ audience: 'a', changeId: 'c', reason: '' }, { path: '$.b', reason: '' }, { reason: '' }];
  const name = '2026-01-31/_event/not-utf8/3-4711-b296b41838e73a2c';
  expect(deadLetterName(exampleDeadLetter({ failures }))).toBe(name);
  expect(deadLetterName(exampleDeadLetter({ failures: failures.toReversed() }))).toBe(name);
});
