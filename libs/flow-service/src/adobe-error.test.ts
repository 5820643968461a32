import { expect, test } from 'vitest';
import { errorOfAnswer } from './adobe-error.ts';

const unchanged = (text: string) => text;

test.each([
  [401, { error_code: '401013', message: 'Oauth token is not valid' }, 'unauthorized', '401013', undefined],
  [403, { error_code: 403025, message: 'x' }, 'forbidden', '403025', undefined],
  [404, { errorMessage: 'flows not found', errorDetails: 'x' }, 'not-found', undefined, undefined],
  [412, { errorMessage: 'Supplied version=["1"] does not match' }, 'conflict', undefined, undefined],
  [409, {}, 'conflict', undefined, undefined],
  [422, { errorCode: 'FLOW-1', errorMessage: 'x' }, 'invalid', 'FLOW-1', undefined],
  [400, { error: 'invalid_client', error_description: 'x' }, 'invalid', 'invalid_client', undefined],
  [429, {}, 'throttled', undefined, undefined],
  [503, 'Service Unavailable', 'unavailable', undefined, undefined],
  [
    404,
    { requestId: 'r1', errors: { 404: [{ code: 'UPAPI-113000-404', message: 'not found' }] }, title: 'not found' },
    'not-found',
    'UPAPI-113000-404',
    'r1',
  ],
  [
    403,
    { type: 'http://ns.adobe.com/aep/errors/PDP-4041-403', title: 'not entitled', report: { 'request-id': 'r2' } },
    'forbidden',
    'PDP-4041-403',
    'r2',
  ],
] as const)(
  'an answer of %i with %o is told by its kind, code and request id',
  (status, body, kind, code, requestId) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const error = errorOfAnswer('list dataflows', { status, requestId: undefined, body: text }, unchanged);
    expect([error.kind, error.status, error.code, error.requestId]).toEqual([kind, status, code, requestId]);
    expect(error.uncertain).toBe(status === 503);
    expect(error.message).toMatch(/^Failed to list dataflows: Adobe answered \d{3}/);
  },
);

test('a long answer of several lines becomes one short line', () => {
  const body = JSON.stringify({ message: `first\nsecond ${'x'.repeat(10_000)}` });
  const error = errorOfAnswer('list dataflows', { status: 400, requestId: 'r', body }, unchanged);
  expect(error.message).toContain('(request id r): first second xxx');
  expect(error.message.length).toBeLessThan(600);
});
