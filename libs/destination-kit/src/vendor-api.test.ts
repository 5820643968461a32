import { expect, test } from 'vitest';
import { z } from 'zod';
import { codesIn, documentedErrors, httpErrors } from './documented-error.ts';
import { type AnswerRules, VendorApi } from './vendor-api.ts';

const never = new AbortController().signal;
const request = { method: 'GET', url: 'https://vendor.example/', headers: {} } as const;
const errors = documentedErrors(
  [{ code: '207', means: 'invalid', source: 'vendor.example' }],
  [
    { means: 'throttled', codes: '40', source: 'vendor.example' },
    { means: 'not-found', codes: '44', source: 'vendor.example' },
    { means: 'invalid', inPart: true, codes: '20', source: 'vendor.example' },
    ...httpErrors('vendor.example', '400 5XX', { '401 403': 'Store a new key.' }),
  ],
);
const schema = z.object({ code: z.int() });
const rules: AnswerRules = {
  vendor: 'Acme',
  errors,
  codesOf: (response) => codesIn(response, schema, ({ code }) => (code === 0 ? [] : [String(code)])),
};
const strict: AnswerRules = {
  ...rules,
  undocumented: (code) => (code.startsWith('4') ? 'invalid' : 'transient'),
  throttledMs: (codes) => (codes.includes('40') ? 9_000 : undefined),
};

function api(of: AnswerRules, status: number, code?: number) {
  const body = code === undefined ? '<html>' : JSON.stringify({ code });
  return new VendorApi({ send: () => Promise.resolve({ status, headers: {}, body }) }, of, () => 1_000);
}

test('a success is read by its schema', async () => {
  expect(await api(rules, 201, 7).ask(request, schema, never)).toEqual({ code: 7 });
  await expect(api(rules, 200).ask(request, schema, never)).rejects.toMatchObject({ class: 'transient' });
});

test.each<[AnswerRules, number, number | undefined, object]>([
  [rules, 204, 0, { class: 'fatal' }],
  [rules, 207, 0, { class: 'invalid' }],
  [{ ...rules, throttledMs: 5_000 }, 429, 1, { class: 'throttled', notBeforeMs: 6_000 }],
  [rules, 403, undefined, { class: 'set-up', message: 'Failed to deliver: Acme answered 403. Store a new key.' }],
  [rules, 503, undefined, { class: 'transient', doubt: 'answered' }],
  [strict, 200, 40, { class: 'throttled', notBeforeMs: 10_000 }],
  [strict, 200, 20, { class: 'invalid', doubt: 'answered' }],
  [strict, 200, 41, { class: 'invalid', doubt: undefined, message: expect.stringContaining('200, 41.') as string }],
  [strict, 200, 51, { class: 'transient', doubt: 'answered', message: expect.stringContaining('again') as string }],
  [strict, 401, 49, { class: 'set-up', message: 'Failed to deliver: Acme answered 401. Store a new key.' }],
  [strict, 415, 59, { class: 'set-up', doubt: undefined }],
  [strict, 504, 49, { class: 'transient', doubt: 'unanswered' }],
  [strict, 200, 5_123_456, { message: expect.stringContaining('200, an undocumented error.') as string }],
])('%o: an answer of %i with the code %o is no success', async (of, status, code, expected) => {
  await expect(api(of, status, code).send(request, never)).rejects.toMatchObject(expected);
});

test('with the rules of a vendor that says so, another status is a success', async () => {
  expect(await api({ ...rules, successes: [207] }, 207, 1).ask(request, schema, never)).toEqual({ code: 1 });
});

test('what the vendor says that it has not is none, by its status or its code', async () => {
  const find = (status: number, code: number) => api(rules, status, code).find(request, schema, ['404', '44'], never);
  expect(await find(200, 7)).toEqual({ code: 7 });
  expect(await find(404, 1)).toBeUndefined();
  expect(await find(400, 44)).toBeUndefined();
  await expect(find(400, 1)).rejects.toMatchObject({ class: 'invalid' });
});

test('a status that HTTP calls one of the account needs advice', () => {
  expect(() => documentedErrors([], httpErrors('vendor.example', '401'))).toThrow('Add advice.');
  expect(errors.get('401')).toMatchObject({ means: 'set-up', advice: 'Store a new key.' });
});
