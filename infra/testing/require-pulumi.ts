import type { TestContext } from 'vitest';
import { findPulumi } from './pulumi-command.ts';

declare module 'vitest' {
  interface TaskMeta {
    /**
     * Why a test did not run, and what makes it run; the end of `npm test` says both
     * (`tools/test-reports.ts`).
     */
    skipped?: { readonly why: string; readonly command: string };
  }
}

/**
 * Skips a test where there is no `pulumi`, and prints so: a reader of the output must not think
 * that the test ran the engine.
 */
export function requirePulumi(context: TestContext): void {
  if (findPulumi() !== undefined) return;
  const why = 'NOT TESTED with the Pulumi engine: there is no pulumi. infra/README.md says how to get it.';
  context.task.meta.skipped = { why, command: 'npm run infra:build-pulumi && npx nx test infra' };
  process.stderr.write(`\n${why}\n\n`);
  context.skip(why);
}
