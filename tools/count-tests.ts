import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './repository.ts';
import { failedWords, type TestReport } from './test-reports.ts';

/**
 * Prints which tests failed and why, then `N passed, N failed` over the last test run of every
 * project, for CI. Fails when one that has tests has no result.
 */
const hasTests = (project: string): boolean => {
  const { nx } = JSON.parse(readFileSync(join(root, project), 'utf8')) as { nx?: { targets?: { test?: object } } };
  return nx?.targets?.test !== undefined;
};
const projects = globSync(['{apps,libs}/*/package.json', 'tools/package.json', 'infra/package.json'], {
  cwd: root,
}).filter(hasTests);

let passed = 0;
let failed = 0;
let skipped = 0;
const reports = new Map<string, Pick<TestReport, 'testResults'>>();
for (const project of projects) {
  const report = JSON.parse(
    readFileSync(join(root, project, '..', 'dist', 'test-results.json'), 'utf8'),
  ) as Partial<TestReport>;
  const { numPassedTests, numFailedTests, numTotalTests, testResults = [] } = report;
  if (numPassedTests === undefined || numFailedTests === undefined || numTotalTests === undefined) {
    throw new Error(`Failed to count the tests: the report of ${project} has no numbers. Run npm test again.`);
  }
  reports.set(project, { testResults });
  passed += numPassedTests;
  failed += numFailedTests;
  // Only what needs a tool that is not there is ever skipped; the end of `npm test` says what and
  // why.
  skipped += numTotalTests - numPassedTests - numFailedTests;
}
for (const words of failedWords(reports)) process.stdout.write(`${words}\n\n`);
process.stdout.write(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
process.exitCode = failed === 0 ? 0 : 1;
