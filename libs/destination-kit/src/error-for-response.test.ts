import { expect, test } from 'vitest';
import { errorForResponse } from './error-for-response.ts';

const nowMs = Date.UTC(2026, 10, 22);
const answer = (status: number, headers: Record<string, string> = {}) =>
  errorForResponse({ status, headers, body: 'no such person ann@example.com' }, nowMs);

test.each([
  [204, 'fatal', false],
  [301, 'set-up', false],
  [304, 'set-up', false],
  [400, 'invalid', false],
  [401, 'set-up', false],
  [403, 'set-up', false],
  [404, 'set-up', false],
  [408, 'transient', true],
  [409, 'transient', false],
  [410, 'set-up', false],
  [413, 'invalid', false],
  [422, 'invalid', false],
  [423, 'transient', false],
  [425, 'transient', false],
  [429, 'throttled', false],
  [500, 'transient', true],
  [501, 'set-up', false],
  [502, 'transient', true],
  [503, 'transient', true],
  [504, 'transient', true],
] as const)('%d is %s, uncertain: %s', (status, errorClass, uncertain) => {
  expect(answer(status)).toMatchObject({ class: errorClass, uncertain, notBeforeMs: undefined });
});

test.each([429, 503])('%d with Retry-After is throttled until then', (status) => {
  expect(answer(status, { 'retry-after': '30' })).toMatchObject({ class: 'throttled', notBeforeMs: nowMs + 30_000 });
});

test('the message names the status and nothing that the vendor wrote', () => {
  const { message } = answer(422);
  expect(message).toContain('422');
  expect(message).not.toContain('ann');
});
