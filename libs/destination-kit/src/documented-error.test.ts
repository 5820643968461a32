import { expect, test } from 'vitest';
import { accountErrorIn, documentedErrors } from './documented-error.ts';

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
