import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './repository.ts';
import { failedWords, skippedWords, type TestReport } from './test-reports.ts';

type Result = TestReport['testResults'][0]['assertionResults'][0];

const name = join(root, 'apps', 'console', 'testing', 'stories.test.ts');
const report = (...results: readonly Partial<Result>[]): TestReport => ({
  startTime: 0,
  numPassedTests: 0,
  numFailedTests: 0,
  numTotalTests: results.length,
  testResults: [
    {
      name,
      status: results.some(({ status }) => status === 'failed') ? 'failed' : 'passed',
      assertionResults: results.map((result) => ({ fullName: 'it is told', status: 'passed', ...result })),
    },
  ],
});
const engine = { skipped: { why: 'There is no pulumi.', command: 'node build-pulumi.ts && npx nx test infra' } };

test('where everything ran, nothing is said of what did not', () => {
  expect(skippedWords(new Map([['infra', report({ status: 'passed' }, { status: 'failed' })]]))).toEqual([]);
});

test('what did not run is counted by project and reason, with the command that runs it', () => {
  const reports = new Map([
    ['infra', report({ status: 'skipped', meta: engine }, { status: 'skipped', meta: engine }, { status: 'passed' })],
    ['cli', report({ status: 'pending', meta: {} })],
  ]);
  expect(skippedWords(reports)).toEqual([
    'infra: 2 tests did not run. There is no pulumi.\n  node build-pulumi.ts && npx nx test infra',
    'cli: 1 test did not run. No reason was given.\n  npx nx test cli',
  ]);
});

test('what failed is named with its file and the first lines of why, without colours', () => {
  const why = ['\u001B[31mAssertionError\u001B[39m: expected 1 to be 2', '', ...Array.from({ length: 40 }, () => 'at')];
  const [words = '', ...more] = failedWords(
    new Map([['console', report({ status: 'failed', failureMessages: [why.join('\n')] }, {})]]),
  );
  expect(more).toEqual([]);
  expect(words.split('\n').slice(0, 4)).toEqual([
    'failed: apps/console/testing/stories.test.ts > it is told',
    '  AssertionError: expected 1 to be 2',
    '',
    '  at',
  ]);
  expect(words.split('\n')).toHaveLength(13);
});

test('a file that failed without a test is named too, and one that passed is not', () => {
  const broken = {
    ...report(),
    testResults: [{ name, status: 'failed', message: 'no such module', assertionResults: [] }],
  };
  expect(failedWords(new Map([['console', broken]]))).toEqual([
    'failed: apps/console/testing/stories.test.ts\n  no such module',
  ]);
  expect(failedWords(new Map([['console', report({}, { status: 'skipped' })]]))).toEqual([]);
});
