import { expect, test } from 'vitest';
import { DestinationError, type HttpResponse, rowsOf } from '@activation-hub/destination-kit';
import { dynamics365Errors } from './errors.ts';
import { listedErrors } from './errors-listed.ts';
import { judgePart, readBatch, requireDone } from './response.ts';
import { writeBatchAnswer } from './vendor-batch.ts';

const part = (status: number, code?: string, headers = {}): HttpResponse => ({
  status,
  headers,
  body: code === undefined ? '<html>' : JSON.stringify({ error: { code, message: 'ann@example.com is not valid' } }),
});

test.each<[string, HttpResponse, object]>([
  [
    'a record that it refuses',
    part(400, '0x80048408'),
    { status: 'rejected', reason: 'Dataverse refuses the record, 0x80048408' },
  ],
  ['a duplicate', part(412, '0x80040333'), { status: 'rejected', reason: 'Dataverse refuses the record, 0x80040333' }],
  ['an odd code', part(400, 'ann'), { status: 'rejected', reason: 'Dataverse refuses the record, without a code' }],
  [
    'a defect of the vendor',
    part(500),
    { status: 'retry', reason: 'Dataverse answered 500, without a code', doubt: 'answered' },
  ],
  ['two at once', part(409, '0x80060882'), { status: 'retry', reason: 'Dataverse answered 409, 0x80060882' }],
  ['too many at once', part(503, '0x80072326', { 'retry-after': '2' }), { status: 'retry', notBeforeMs: 3_000 }],
])('%s', (_what, answer, verdict) => {
  expect(judgePart('change-1', answer, 1_000)).toMatchObject({ is: 'ended', verdict: { id: 'change-1', ...verdict } });
});

test.each<[string, readonly HttpResponse[], string, string | undefined]>([
  ['a missing privilege', [part(204), part(403, '0x80040220')], 'set-up', 'answered'],
  ['a missing privilege, said by 400', [part(400, '0x80040220')], 'set-up', undefined],
  ['records of which none may be written', [part(403, '0x80048306'), part(403, '0x80048306')], 'set-up', undefined],
])('%s is set-up for all', (_what, parts, errorClass, doubt) => {
  const { headers = {}, body = '' } = writeBatchAnswer(parts.map(({ status, body: text }) => ({ status, body: text })));
  const read = () => readBatch({ status: 200, headers, body }, parts.length, 0);
  expect(read).toThrow(expect.objectContaining({ class: errorClass, doubt }));
});

test('one record that may not be written among others is refused alone', () => {
  const outcome = judgePart('change-1', part(403, '0x80048306'), 0);
  expect(outcome).toMatchObject({ is: 'ended', verdict: { status: 'rejected' } });
  expect(() => judgePart('change-1', part(401), 0)).toThrow(expect.objectContaining({ class: 'set-up' }));
});

/** The verdict of a record that is refused with this code among others that are accepted. */
function judgeAmongOthers(answer: HttpResponse): string {
  const parts = [part(204), answer];
  const { headers = {}, body = '' } = writeBatchAnswer(parts.map(({ status, body: text }) => ({ status, body: text })));
  try {
    const [, second = part(204)] = readBatch({ status: 200, headers, body }, 2, 0);
    const outcome = judgePart('change-2', second, 0);
    return outcome.is === 'ended' ? outcome.verdict.status : outcome.is;
  } catch (error) {
    return error instanceof DestinationError ? error.class : String(error);
  }
}

test('every code of the list is judged as the list says, whatever its status', () => {
  const rows = rowsOf(listedErrors).map((row) => dynamics365Errors.get(row.code) ?? row);
  for (const { code, means, alsoOfOneRow } of rows) {
    const ofOne = means === 'throttled' ? 'retry' : alsoOfOneRow === true ? 'rejected' : means;
    for (const status of [400, 404, 500]) expect(judgeAmongOthers(part(status, code)), code).toBe(ofOne);
    const ofWhole = { retry: 'transient', rejected: 'invalid', 'not-found': 'set-up' }[means as string] ?? means;
    expect(() => requireDone(part(400, code), 0), code).toThrow(expect.objectContaining({ class: ofWhole }));
  }
});

test.each([
  ['400', 'rejected'],
  ['404', 'not-found'],
  ['405', 'set-up'],
  ['412', 'rejected'],
  ['413', 'rejected'],
  ['429', 'retry'],
  ['501', 'set-up'],
  ['503', 'retry'],
])('a code that is not in the list is judged by its status: %s is %s', (status, verdict) => {
  expect(judgeAmongOthers(part(Number(status), '0x8009ffff'))).toBe(verdict);
  expect(dynamics365Errors.has(status)).toBe(true);
});

test('answers are read with either line end, and with bodies of any shape', () => {
  const bodies = ['', '{"a":1}', 'line\r\n\r\nline', '--batch'];
  const written = writeBatchAnswer(bodies.map((body) => ({ status: 200, headers: { 'retry-after': '1' }, body })));
  const response: HttpResponse = { status: 200, headers: written.headers ?? {}, body: written.body ?? '' };
  const read = (body: string) => readBatch({ ...response, body }, bodies.length, 0).map((answer) => answer.body);
  expect(read(response.body)).toEqual(bodies.map((body) => body.replaceAll('\r\n', '\n')));
  expect(read(response.body.replaceAll('\r\n', '\n'))).toEqual(read(response.body));
  expect(readBatch(response, bodies.length, 0)[0]?.headers).toMatchObject({ 'retry-after': '1' });
});
