import type { TestContext } from 'vitest';
import { findPulumi } from './pulumi-command.ts';

/** Skips a test, loudly, where there is no `pulumi`: nobody may think that the engine was tested. */
export function requirePulumi(context: TestContext): void {
  if (findPulumi() !== undefined) return;
  const words = 'NOT TESTED with the Pulumi engine: there is no pulumi. infra/README.md says how to get it.';
  process.stderr.write(`\n${words}\n\n`);
  context.skip(words);
}
