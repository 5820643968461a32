import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolders, root } from './repository.ts';

/** What is read of vitest's JSON report. */
export interface TestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly meta?: { readonly skipped?: { readonly why: string; readonly command: string } };
    }[];
  }[];
}

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
