import { expect, test } from 'vitest';
import { errorForResponse } from './error-for-response.ts';

const nowMs = Date.UTC(2026, 10, 22);
const answer = (status: number, headers: Record<string, string> = {}) =>
  errorForResponse({ status, headers, body: 'no such person ann@example.com' }, nowMs);

test.each([
  [204, 'fatal', undefined],
  [301, 'set-up', undefined],
  [304, 'set-up', undefined],
  [400, 'invalid', undefined],
  [401, 'set-up', undefined],
  [402, 'set-up', undefined],
  [403, 'set-up', undefined],
  [404, 'set-up', undefined],
  [405, 'set-up', undefined],
  [406, 'set-up', undefined],
  [407, 'set-up', undefined],
  [408, 'transient', 'unanswered'],
  [409, 'transient', undefined],
  [410, 'set-up', undefined],
  [411, 'set-up', undefined],
  [412, 'invalid', undefined],
  [413, 'invalid', undefined],
  [414, 'invalid', undefined],
  [415, 'set-up', undefined],
  [417, 'set-up', undefined],
  [421, 'transient', undefined],
  [422, 'invalid', undefined],
  [423, 'transient', undefined],
  [425, 'transient', undefined],
  [426, 'set-up', undefined],
  [428, 'set-up', undefined],
  [429, 'throttled', undefined],
  [431, 'invalid', undefined],
  [451, 'set-up', undefined],
  [500, 'transient', 'answered'],
  [501, 'set-up', undefined],
  [502, 'transient', 'unanswered'],
  [503, 'transient', 'answered'],
  [504, 'transient', 'unanswered'],
  [505, 'set-up', undefined],
  [507, 'transient', 'answered'],
  [511, 'set-up', undefined],
  [522, 'transient', 'unanswered'],
  [524, 'transient', 'unanswered'],
] as const)('%d is %s, in doubt: %s', (status, errorClass, doubt) => {
  expect(answer(status)).toMatchObject({ class: errorClass, doubt, notBeforeMs: undefined });
});

test.each([429, 503])('%d with Retry-After is throttled until then', (status) => {
  expect(answer(status, { 'retry-after': '30' })).toMatchObject({ class: 'throttled', notBeforeMs: nowMs + 30_000 });
});

test('the message names the status and nothing that the vendor wrote', () => {
  const { message } = answer(422);
  expect(message).toContain('422');
  expect(message).not.toContain('ann');
});
