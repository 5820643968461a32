import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { secretNames } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { loadActivations } from '../activation-file/activations.ts';
import { CommandError } from '../terminal/command-error.ts';
import { reportToPerson } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { createShell } from './shell.ts';
import { runSteps } from './steps.ts';
import { upSteps } from './up-steps.ts';

interface UpOptions {
  readonly environment: string;
  readonly location?: string;
  readonly alertEmail?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addAzureCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('azure')
    .summary('brings an environment into Azure')
    .description('From an empty subscription to an environment that the pipeline deploys.')
    .addHelpText(
      'after',
      `
Every verb takes --json.

Examples:
  $ activation azure up --environment dev`,
    );
  command
    .command('up')
    .description(
      'Does what docs/operating/deploy.md says, in its order: state, keys and identities; the environment on GitHub; the stack and its secrets. What is there already is left as it is, so it may be stopped and started again. It does not push: the pipeline deploys when you do.',
    )
    .requiredOption('-e, --environment <name>', 'dev, staging or prod')
    .option('--location <region>', 'the Azure region; default: what the stack says, westeurope for the bootstrap')
    .option('--alert-email <address>', 'who is written to when an alert rings; prod needs one')
    .option('--dry-run', 'says which steps are done and which are left, and does none')
    .option('--json', 'prints one JSON object a step')
    .addHelpText(
      'after',
      `
Needs az, gh and pulumi, and the repository's folder as the place to run it in. You are asked to sign in where you have not, and for each
secret of the activation file that the stack does not have; its value is read by pulumi, and encrypted before it is written.

Examples:
  $ activation azure up --environment dev --dry-run
  $ activation azure up --environment dev --location northeurope
  $ activation azure up --environment prod --alert-email on-call@example.com`,
    )
    .action((options: UpOptions) => up(options, terminal));
}

async function up(options: UpOptions, terminal: Terminal): Promise<void> {
  const { environment } = options;
  if (!/^[a-z][a-z0-9]{1,6}$/.test(environment)) {
    throw new CommandError(
      2,
      `Failed to find the environment ${environment}: a name has 2 to 7 lower-case letters or digits.`,
    );
  }
  await access(join(terminal.folder, 'infra', 'Pulumi.yaml')).catch((cause: unknown) => {
    throw new CommandError(2, 'Failed to find infra/Pulumi.yaml: run this in the folder of the repository.', { cause });
  });
  const file = await loadActivations(join('apps', 'handler', 'activations', `${environment}.yaml`), terminal);
  const steps = upSteps({ ...options, secrets: secretNames(file) }, createShell(terminal));
  const left = await runSteps(steps, terminal, { ...options, clock: systemClock });
  if (options.dryRun !== undefined) return;
  reportToPerson(
    left === 0
      ? `Everything was there already. \`git push\` deploys ${environment}; then \`npx activation canary --environment ${environment}\`.`
      : `${environment} is ready. \`git push\` deploys it; then \`npx activation canary --environment ${environment}\`.`,
    options,
    terminal,
  );
}
