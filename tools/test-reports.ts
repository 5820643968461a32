import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { projectFolders, root } from './repository.ts';

/** What is read of vitest's JSON report. */
export interface TestReport {
  /** When the run began, in milliseconds since 1970. */
  readonly startTime: number;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numTotalTests: number;
  readonly testResults: readonly {
    /** The path of the test file. */
    readonly name: string;
    /** A file can fail with no test of it: by an error outside of the tests. */
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
      readonly meta?: { readonly skipped?: { readonly why: string; readonly command: string } };
    }[];
  }[];
}

/** So many lines of a failure say what was expected and where; the rest is the runner's own. */
const failureLines = 12;

/**
 * What the tests left out, a paragraph for each project and reason: how many tests, why, and the
 * command that runs them. Nothing where everything ran. A test that was left out without saying why
 * is said to have given no reason.
 */
export function skippedWords(reports: ReadonlyMap<string, TestReport>): readonly string[] {
  return [...reports].flatMap(([project, { testResults }]) => {
    const skipped = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ meta }) => meta?.skipped ?? { why: 'No reason was given.', command: `npx nx test ${project}` });
    return [...Map.groupBy(skipped, ({ why, command }) => `${why}\n  ${command}`)].map(
      ([words, tests]) => `${project}: ${tests.length} ${tests.length === 1 ? 'test' : 'tests'} did not run. ${words}`,
    );
  });
}

/**
 * Each test that failed, a paragraph: its file, its name and the first lines of why. Nothing where
 * none failed.
 */
export function failedWords(reports: ReadonlyMap<string, Pick<TestReport, 'testResults'>>): readonly string[] {
  return [...reports.values()].flatMap(({ testResults }) =>
    testResults.flatMap(({ name, status, message = '', assertionResults }) => {
      const file = relative(root, name).replaceAll('\\', '/');
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      if (failed.length === 0) return status === 'failed' ? [failure(file, message)] : [];
      return failed.map(({ fullName, failureMessages = [] }) =>
        failure(`${file} > ${fullName}`, failureMessages.join('\n')),
      );
    }),
  );
}

function failure(what: string, why: string): string {
  const lines = stripVTControlCharacters(why).split('\n').slice(0, failureLines);
  return [`failed: ${what}`, ...lines.map((line) => `  ${line}`.trimEnd())].join('\n');
}

/** The last reports of the projects that have one. */
export function readReports(): ReadonlyMap<string, TestReport> {
  return new Map(
    projectFolders().flatMap((folder) => {
      const file = join(root, folder, 'dist', 'test-results.json');
      if (!existsSync(file)) return [];
      return [[folder.split('/').at(-1) ?? folder, JSON.parse(readFileSync(file, 'utf8')) as TestReport] as const];
    }),
  );
}
