import { parseArgs } from 'node:util';
import { stackNames } from './operator-files.ts';
import type { PlannedResource } from './plan/planned-resource.ts';

/**
 * Runs a command that takes `--stack <name>` and prints something about the stack's resources. Ends
 * with 0 when it printed, 1 when the stack could not be planned, 2 when it was called wrongly;
 * complaints go to standard error.
 */
export async function runStackCommand(
  help: string,
  print: (resources: readonly PlannedResource[], stack: string) => string,
): Promise<void> {
  const known = stackNames().join(', ');
  const fullHelp = `${help}
  --stack <name>   which stack: ${known}; required
  --help           this text
`;
  let asked: { stack?: string; help?: boolean };
  try {
    asked = parseArgs({ options: { stack: { type: 'string' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    complain(`${wordsOf(error)}\n\n${fullHelp}`, 2);
    return;
  }
  if (asked.help === true) {
    process.stdout.write(fullHelp);
    return;
  }
  if (asked.stack === undefined || !stackNames().includes(asked.stack)) {
    complain(`Failed to choose the stack: --stack must be one of ${known}.\n\n${fullHelp}`, 2);
    return;
  }
  try {
    // Loaded here, for it loads Pulumi, which help and a wrong call need not wait for.
    const { planStack } = await import('./plan/plan-stack.ts');
    const { resources } = await planStack(asked.stack);
    process.stdout.write(print(resources, asked.stack));
  } catch (error) {
    complain(`${wordsOf(error)}\n`, 1);
  }
}

function complain(words: string, exitCode: number): void {
  process.stderr.write(words);
  process.exitCode = exitCode;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
