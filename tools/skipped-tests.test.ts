import { expect, test } from 'vitest';
import { skippedWords, type TestReport } from './skipped-tests.ts';

const report = (...assertionResults: TestReport['testResults'][0]['assertionResults'][0][]): TestReport => ({
  testResults: [{ assertionResults }],
});
const engine = { skipped: { why: 'There is no pulumi.', command: 'node build-pulumi.ts && npx nx test infra' } };

test('where everything ran, nothing is said', () => {
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
