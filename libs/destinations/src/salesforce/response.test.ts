import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DestinationError, type HttpResponse, rowsOf } from '@activation-hub/destination-kit';
import { salesforceErrors } from './errors.ts';
import { listedErrors } from './errors-listed.ts';
import { queriesFor, quoted } from './request.ts';
import { judgeRow, readRows, salesforceError } from './response.ts';

test('whatever an identity holds, it is one text in SOQL', () => {
  const hostile = fc.string({ unit: fc.constantFrom("'", '\\', '\n', '\r', ')', ' OR ', 'a', 'é') });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
      const literal = quoted(text);
      expect(literal).toMatch(/^'(?:[^'\\\n\r]|\\.)*'$/u);
      const read = literal
        .slice(1, -1)
        .replaceAll(/\\(.)/gu, (_all, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? letter);
      expect(read).toBe(text);
    }),
  );
});

test('long lists of identities are asked for by as many queries as fit', () => {
  const values = Array.from({ length: 200 }, (_, index) => `${'é'.repeat(40)}-${index}`);
  const groups = queriesFor(values, (list) => `IN ${list}`);
  expect(groups.flat().flatMap((query) => [...query.matchAll(/'([^']+)'/g)].map(([, value]) => value))).toEqual(values);
  for (const group of groups) {
    expect(group.length).toBeLessThanOrEqual(5);
    for (const query of group) expect(encodeURIComponent(query).length).toBeLessThan(6_100);
  }
  expect(groups.length).toBeGreaterThan(1);
});

const answer = (status: number, codes: readonly string[] = [], headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(codes.map((errorCode) => ({ errorCode, message: 'about ann@example.com' }))),
});

test.each<[string, HttpResponse, Partial<DestinationError>]>([
  [
    'the quota of a day',
    answer(403, ['REQUEST_LIMIT_EXCEEDED']),
    { class: 'throttled', notBeforeMs: 901_000, doubt: undefined },
  ],
  [
    'a quota that says when',
    answer(403, ['REQUEST_LIMIT_EXCEEDED'], { 'retry-after': '5' }),
    { class: 'throttled', notBeforeMs: 6_000 },
  ],
  [
    'too many requests that take long',
    {
      status: 403,
      headers: {},
      body: '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentPerOrgLongTxn Limit exceeded."}]',
    },
    { class: 'throttled', notBeforeMs: 21_000, doubt: undefined },
  ],
  ['a missing permission', answer(403, ['INSUFFICIENT_ACCESS']), { class: 'set-up', doubt: undefined }],
  ['a field that is not there', answer(400, ['INVALID_FIELD']), { class: 'set-up', doubt: undefined }],
  ['a request that is malformed', answer(400, ['JSON_PARSER_ERROR']), { class: 'invalid', doubt: undefined }],
  ['an unknown object', answer(404, ['NOT_FOUND']), { class: 'set-up' }],
  ['a server that is away', answer(503, ['SERVER_UNAVAILABLE']), { class: 'transient', doubt: 'answered' }],
  ['a gateway in HTML', { status: 502, headers: {}, body: '<html>' }, { class: 'transient', doubt: 'unanswered' }],
])('%s', (_what, response, expected) => {
  const error = salesforceError(response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@example.com');
});

test.each([
  ['UNABLE_TO_LOCK_ROW', '', 'ended', 'retry'],
  ['ALL_OR_NONE_OPERATION_ROLLED_BACK', '', 'ended', 'retry'],
  ['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'Trigger: first error: UNABLE_TO_LOCK_ROW, busy', 'ended', 'retry'],
  ['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'Trigger: null pointer', 'ended', 'rejected'],
  ['INVALID_FIELD', 'No such column', 'ended', 'rejected'],
  ['REQUIRED_FIELD_MISSING', '', 'ended', 'rejected'],
  ['ENTITY_IS_DELETED', '', 'gone', 'not-found'],
  ['DUPLICATE_VALUE', '', 'duplicate', undefined],
])('a record that is refused with %s (%s) is %s, %s', (statusCode, message, is, status) => {
  const outcome = judgeRow('change-1', { success: false, errors: [{ statusCode, message }] }, (text) => String(text));
  expect(outcome.is).toBe(is);
  expect('verdict' in outcome ? outcome.verdict.status : undefined).toBe(status);
});

const rows = (...codes: (string | undefined)[]): HttpResponse => ({
  status: 200,
  headers: {},
  body: JSON.stringify(
    codes.map((code) =>
      code === undefined
        ? { id: '0035g0000000001AAA', success: true, errors: [] }
        : { success: false, errors: [{ statusCode: code, message: 'no' }] },
    ),
  ),
});

test.each<[string, HttpResponse, Partial<DestinationError> | undefined]>([
  ['a full org', rows(undefined, 'STORAGE_LIMIT_EXCEEDED'), { class: 'set-up', doubt: 'answered' }],
  [
    'an object that no user may write',
    rows('INSUFFICIENT_ACCESS_OR_READONLY', 'INSUFFICIENT_ACCESS_OR_READONLY'),
    { class: 'set-up', doubt: undefined },
  ],
  ['an entity that cannot be inserted', rows('INVALID_TYPE_FOR_OPERATION'), { class: 'set-up' }],
  ['one record that is shared otherwise', rows(undefined, 'INSUFFICIENT_ACCESS_OR_READONLY'), undefined],
  [
    'a quota that ends within a request',
    rows(undefined, 'REQUEST_LIMIT_EXCEEDED'),
    { class: 'throttled', notBeforeMs: 900_000 },
  ],
  ['records that are refused', rows('STRING_TOO_LONG', 'STRING_TOO_LONG'), undefined],
])('%s is of the org, or of one record', (_what, response, expected) => {
  const read = () => readRows(response, (JSON.parse(response.body) as []).length, 0);
  if (expected === undefined) expect(read()).not.toHaveLength(0);
  else expect(read).toThrow(expect.objectContaining(expected));
});

test('an answer with fewer rows than records tells nothing of any', () => {
  const rows = { status: 200, headers: {}, body: '[{"id":"0035g0000000001AAA","success":true,"errors":[]}]' };
  expect(() => readRows(rows, 2, 0)).toThrow(expect.objectContaining({ class: 'transient', doubt: 'answered' }));
});

const ofOneRecord = { retry: 'retry', 'not-found': 'not-found' } as Readonly<Record<string, string>>;
const ofWhole = { retry: 'transient', rejected: 'invalid', 'not-found': 'set-up' } as Readonly<Record<string, string>>;

/**
 * The verdicts of two records of which the first was accepted and the second is refused with this
 * code.
 */
function judgeSecond(code: string): string {
  try {
    const [, second] = readRows(rows(undefined, code), 2, 0);
    const outcome = judgeRow('change-2', second ?? { success: true, errors: [] }, (text) => String(text));
    return 'verdict' in outcome ? outcome.verdict.status : outcome.is;
  } catch (error) {
    return (error as DestinationError).class;
  }
}

test('every code of the list is judged as the list says, of a request and of one record', () => {
  const listed = rowsOf(listedErrors).map((row) => salesforceErrors.get(row.code) ?? row);
  for (const { code, means, alsoOfOneRow } of listed) {
    expect(salesforceError(answer(400, [code]), 0).class, code).toBe(ofWhole[means] ?? means);
    const isOfOrg = (means === 'set-up' || means === 'throttled') && alsoOfOneRow !== true;
    const expected = code === 'DUPLICATE_VALUE' ? 'duplicate' : isOfOrg ? means : (ofOneRecord[means] ?? 'rejected');
    if (code !== 'ENTITY_IS_DELETED') expect(judgeSecond(code), code).toBe(expected);
  }
});
