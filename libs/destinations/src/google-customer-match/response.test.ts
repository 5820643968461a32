import { type DestinationError, type HttpResponse, rowsOf } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { listedErrors } from './errors-listed.ts';
import { googleError, judgeStatus, readStatus, refusedRows } from './response.ts';

const answer = (status: number, body: unknown = {}, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
});
const rpc = (status: string, ...details: object[]) => ({ error: { message: 'ann@example.com', status, details } });
const violation = (...fields: string[]) => ({
  fieldViolations: fields.map((field) => ({ field, reason: 'INVALID_HEX_ENCODING', description: 'ann@example.com' })),
});
const quota = (name: string) => ({ reason: 'RATE_LIMIT_EXCEEDED', metadata: { quota_limit: name } });

test.each<[string, HttpResponse, Partial<DestinationError>]>([
  [
    'the quota of a minute',
    answer(429, rpc('RESOURCE_EXHAUSTED', quota('IngestionMutateRequestsPerMinutePerProject'))),
    { class: 'throttled', notBeforeMs: 61_000 },
  ],
  [
    'the quota of a day',
    answer(429, rpc('RESOURCE_EXHAUSTED', quota('IngestionMutateRequestsPerDayPerProject'))),
    { class: 'throttled', notBeforeMs: 3_601_000 },
  ],
  [
    'a quota that says how long',
    answer(429, rpc('RESOURCE_EXHAUSTED'), { 'retry-after': '5' }),
    { class: 'throttled', notBeforeMs: 6_000 },
  ],
  ['no permission', answer(403, rpc('PERMISSION_DENIED')), { class: 'set-up', doubt: undefined }],
  [
    'a project without the API',
    answer(403, rpc('PERMISSION_DENIED', { reason: 'SERVICE_DISABLED' })),
    { class: 'set-up' },
  ],
  [
    'a user list that is not there',
    answer(400, rpc('INVALID_ARGUMENT', { reason: 'INVALID_USER_LIST_ID' })),
    { class: 'set-up' },
  ],
  [
    'options that no user signed',
    answer(400, rpc('INVALID_ARGUMENT', { reason: 'TERMS_AND_CONDITIONS_NOT_SIGNED' })),
    { class: 'set-up' },
  ],
  [
    'an account to sign in by that is wrong, for a reason that is new',
    answer(400, rpc('INVALID_ARGUMENT', violation('destinations.destinations[0].login_account.account_id'))),
    { class: 'set-up', doubt: undefined },
  ],
  [
    'a consent that is not understood',
    answer(400, rpc('INVALID_ARGUMENT', violation('consent.ad_user_data', 'audience_members[0]'))),
    { class: 'set-up' },
  ],
  [
    'too many at once',
    answer(400, rpc('INVALID_ARGUMENT', { reason: 'TOO_MANY_AUDIENCE_MEMBERS' })),
    { class: 'invalid' },
  ],
  ['a failure inside', answer(500, rpc('INTERNAL')), { class: 'transient', doubt: 'answered' }],
  ['a service that is down', answer(503, rpc('UNAVAILABLE')), { class: 'transient', doubt: 'answered' }],
  ['a deadline of its own', answer(504, rpc('DEADLINE_EXCEEDED')), { class: 'transient', doubt: 'unanswered' }],
  ['an aborted request', answer(409, rpc('ABORTED')), { class: 'transient', doubt: undefined }],
])('%s', (_what, response, expected) => {
  const error = googleError(response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).toMatch(/^Failed to deliver: Google answered \d{3}, [A-Z_, ]+\. [A-Z].*\.$/);
});

test.each<[string, HttpResponse, readonly number[] | undefined]>([
  [
    'in the published form',
    answer(400, rpc('INVALID_ARGUMENT', violation('audience_members.audience_members[1].x[0]'))),
    [1],
  ],
  [
    'in the form of JSON',
    answer(400, rpc('INVALID_ARGUMENT', violation('audienceMembers[0].userData', 'audience_members[2]'))),
    [0, 2],
  ],
  ['outside of the request', answer(400, rpc('INVALID_ARGUMENT', violation('audience_members[3]'))), undefined],
  ['beside another', answer(400, rpc('INVALID_ARGUMENT', violation('audience_members[1]', 'consent'))), undefined],
  ['that is not one', answer(400, rpc('INVALID_ARGUMENT')), undefined],
  ['in an answer of another kind', answer(200, rpc('INVALID_ARGUMENT', violation('audience_members[1]'))), undefined],
  ['in no JSON', { status: 400, headers: {}, body: '<html>' }, undefined],
])('a place %s is read or not', (_what, response, expected) => {
  const rows = refusedRows(response, 3);
  expect(rows && [...rows.keys()]).toEqual(expected);
});

const statusOf = (requestStatus: string, ...reasons: string[]) =>
  answer(200, {
    requestStatusPerDestination: [
      { requestStatus, errorInfo: { errorCounts: reasons.map((reason) => ({ reason, recordCount: '1' })) } },
    ],
  });
const format = 'PROCESSING_ERROR_REASON_INVALID_FORMAT';
const inside = 'PROCESSING_ERROR_REASON_INTERNAL_ERROR';

test.each<[string, HttpResponse, number, string]>([
  ['SUCCESS', statusOf('SUCCESS'), 2, 'delivered'],
  ['PROCESSING', statusOf('PROCESSING'), 2, 'accepted'],
  ['REQUEST_STATUS_UNKNOWN', statusOf('REQUEST_STATUS_UNKNOWN'), 2, 'accepted'],
  ['FAILED for its format', statusOf('FAILED', format), 2, 'rejected'],
  ['FAILURE for want of consent', statusOf('FAILURE', 'PROCESSING_ERROR_REASON_NO_CONSENT'), 2, 'retry'],
  ['FAILED inside', statusOf('FAILED', format, inside), 2, 'retry'],
  ['FAILED for a key', statusOf('FAILED', 'PROCESSING_ERROR_REASON_KEK_PERMISSION_DENIED'), 2, 'retry'],
  ['FAILED for whom it does not know', statusOf('FAILED', 'PROCESSING_ERROR_REASON_USER_ID_NOT_FOUND'), 2, 'not-found'],
  ['FAILED without a reason', statusOf('FAILED'), 2, 'retry'],
  ['PARTIAL_SUCCESS of many', statusOf('PARTIAL_SUCCESS', format), 2, 'halves'],
  ['PARTIAL_SUCCESS for a failure inside', statusOf('PARTIAL_SUCCESS', inside), 2, 'retry'],
  ['PARTIAL_SUCCESS, of which one is left', statusOf('PARTIAL_SUCCESS', format), 1, 'retry'],
])('the status %s is a verdict', (_what, response, count, expected) => {
  const ids = Array.from({ length: count }, (_, number) => `change-${number}`);
  const guard = (_text: unknown, fallback: string) => fallback;
  const judge = () => judgeStatus(readStatus(response, 0), ids, { receipt: 'r', askAtMs: 1 }, guard);
  if (expected === 'halves') expect(judge).toThrow(expect.objectContaining({ class: 'invalid', doubt: 'answered' }));
  else expect(judge().map(({ status }) => status)).toEqual(ids.map(() => expected));
});

test('every code of the list is judged as the list says', () => {
  const guard = (_text: unknown, fallback: string) => fallback;
  for (const { code, means } of rowsOf(listedErrors)) {
    if (code.startsWith('PROCESSING_ERROR')) {
      const status = readStatus(statusOf('FAILED', code), 0);
      const [verdict] = judgeStatus(status, ['change-1'], { receipt: 'r', askAtMs: 1 }, guard);
      expect(verdict?.status, code).toBe(means);
    } else if (means === 'set-up') {
      const refused = answer(400, rpc('INVALID_ARGUMENT', { reason: code }, violation('audience_members[0]')));
      expect(googleError(refused, 0).class, code).toBe('set-up');
      expect(refusedRows(refused, 1), code).toBeUndefined();
    } else if (means === 'rejected') {
      const row = { fieldViolations: [{ field: 'audience_members[0]', reason: code }] };
      expect([...(refusedRows(answer(400, rpc('INVALID_ARGUMENT', row)), 1)?.keys() ?? [])], code).toEqual([0]);
    }
  }
});
