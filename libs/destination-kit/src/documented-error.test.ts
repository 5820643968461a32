import { expect, test } from 'vitest';
import { accountErrorIn, documentedErrors, errorOfAnswer, setUpErrors } from './documented-error.ts';

const source = 'https://example.com/errors';
const errors = documentedErrors([
  { code: 'FULL', means: 'set-up', advice: 'Make room.', source },
  { code: 'DENIED', means: 'set-up', alsoOfOneRow: true, advice: 'Give the permission.', source },
  { code: 'BUSY', means: 'throttled', source },
  { code: 'BAD', means: 'rejected', source },
]);

test.each<[string, readonly (string | undefined)[], string | undefined]>([
  ['one row that says that the account is full', [undefined, 'BAD', 'FULL'], 'FULL'],
  ['one row that was not allowed among others', ['DENIED', undefined], undefined],
  ['rows of which none was allowed', ['DENIED', 'DENIED'], 'DENIED'],
  ['a row that was not allowed and one that is bad', ['DENIED', 'BAD'], undefined],
  ['one row that is throttled', ['BUSY', undefined], 'BUSY'],
  ['bad rows and an unknown code', ['BAD', 'NEW'], undefined],
  ['no rows', [], undefined],
])('%s', (_what, codes, expected) => {
  expect(accountErrorIn(errors, codes)?.code).toBe(expected);
});

test('a code that stands twice, or a set-up without advice, is a defect of the table', () => {
  const row = { code: 'A', means: 'rejected', source } as const;
  expect(() => documentedErrors([row, row])).toThrow('it stands twice');
  expect(() => documentedErrors([{ ...row, means: 'set-up' }])).toThrow('what to do');
});

const list = [
  { means: 'set-up', advice: 'Make room.', codes: 'FULL\n  QUOTA', source },
  { means: 'retry', codes: ' LOCKED ', source },
] as const;

test('a list gives a row a code, and a row of its own says more than the list', () => {
  const own = { code: 'FULL', means: 'set-up', advice: 'Buy room.', source } as const;
  const table = documentedErrors([own], list);
  expect([...table.values()].map(({ code, means, advice }) => [code, means, advice])).toEqual([
    ['FULL', 'set-up', 'Buy room.'],
    ['QUOTA', 'set-up', 'Make room.'],
    ['LOCKED', 'retry', undefined],
  ]);
});

test('what only a person can mend has its advice by its codes', () => {
  const table = documentedErrors(
    [],
    setUpErrors('vendor.example', { '1 2': 'Store a new key.', 3: 'Check the list.' }),
  );
  expect([...table.values()]).toMatchObject([
    { code: '3', means: 'set-up', advice: 'Check the list.', source: 'vendor.example' },
    { code: '1', means: 'set-up', advice: 'Store a new key.' },
    { code: '2', means: 'set-up', advice: 'Store a new key.' },
  ]);
});

test('a code that the list holds twice, or of which a row says otherwise, is a defect of the table', () => {
  expect(() => documentedErrors([], [...list, { means: 'retry', codes: 'QUOTA', source }])).toThrow('it stands twice');
  expect(() => documentedErrors([{ code: 'LOCKED', means: 'rejected', source }], list)).toThrow('the list says retry');
});

const table = documentedErrors([
  { code: 'FULL', means: 'set-up', advice: 'Make room.', source },
  { code: 'BUSY', means: 'throttled', source },
  { code: 'BAD', means: 'rejected', source },
  { code: 'LOCKED', means: 'retry', source },
  { code: 'GONE', means: 'not-found', source },
  { code: '418', means: 'set-up', advice: 'Ask for coffee elsewhere.', source },
  { code: '5XX', means: 'transient', source },
]);

test.each<[string, number, readonly string[], Record<string, string>, object]>([
  [
    'a code before the status',
    400,
    ['NEW', 'FULL'],
    {},
    { class: 'set-up', message: 'Failed to deliver: Acme answered 400, FULL. Make room.' },
  ],
  ['a limit that says nothing', 400, ['BUSY'], {}, { class: 'throttled', notBeforeMs: 3_000 }],
  ['a limit that says how long', 429, [], { 'retry-after': '9' }, { class: 'throttled', notBeforeMs: 10_000 }],
  ['a limit by its status, whatever the code', 429, ['FULL'], {}, { class: 'throttled', notBeforeMs: 3_000 }],
  ['a person who is not there', 400, ['GONE'], {}, { class: 'invalid', doubt: undefined }],
  ['a failure that only the code calls transient', 400, ['LOCKED'], {}, { class: 'transient', doubt: 'answered' }],
  ['a failure that the status calls transient too', 423, ['LOCKED'], {}, { doubt: undefined, notBeforeMs: 5_000 }],
  ['any failure of the server', 501, [], {}, { class: 'transient', doubt: 'answered' }],
  ['a code of one row', 400, ['BAD'], {}, { class: 'invalid', doubt: undefined }],
  ['a code that passes', 500, ['LOCKED'], {}, { class: 'transient', doubt: 'answered' }],
  ['a status of the table', 418, [], {}, { class: 'set-up', message: expect.stringContaining('418. Ask') as string }],
  ['a status of HTTP', 404, ['NEW'], {}, { message: expect.stringContaining('404. Check its URL') as string }],
  ['an account that fails in a server', 500, ['FULL'], {}, { class: 'set-up', doubt: undefined }],
])('%s decides what an answer means', (_what, status, codes, headers, expected) => {
  const response = { status, headers, body: 'no such person ann@example.com' };
  const answered = { vendor: 'Acme', throttledMs: 2_000, transientMs: 4_000 };
  const error = errorOfAnswer(table, codes, response, 1_000, answered);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann');
});

test('what is not there may be what all are told of', () => {
  const response = { status: 400, headers: {}, body: '' };
  const answered = { vendor: 'Acme', notFound: 'set-up' } as const;
  expect(errorOfAnswer(table, ['GONE'], response, 0, answered)).toMatchObject({ class: 'set-up', doubt: undefined });
});

test('a vendor whose codes have parts shows them as they came', () => {
  const response = { status: 400, headers: {}, body: '' };
  const error = errorOfAnswer(table, ['FULL'], response, 0, { vendor: 'Acme', shown: 'FULL/7' });
  expect(error.message).toBe('Failed to deliver: Acme answered 400, FULL/7. Make room.');
  expect(errorOfAnswer(table, ['BUSY'], response, 0, { vendor: 'Acme' }).notBeforeMs).toBeUndefined();
});
