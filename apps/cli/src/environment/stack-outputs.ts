import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CommandError } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * The outputs of a stack, by the names in `infra/index.ts`. They hold the key that Adobe signs in
 * with.
 */
export type StackOutputs = Readonly<Record<string, unknown>>;

const timeoutMs = 120_000;
const outputBytesMax = 4 * 1024 * 1024;

/**
 * Asks Pulumi for the outputs of an environment's stack, in the `infra` folder here or in a folder
 * above. Throws `CommandError` when there is no such folder (2), no `pulumi` command, or no such
 * stack (1). `instead` names what can be given without Pulumi.
 */
export async function readStackOutputs(
  stack: string,
  terminal: Terminal,
  instead = '--namespace, --event-hub, --sas-key-name and AEP_SAS_KEY',
): Promise<StackOutputs> {
  const words = ['stack', 'output', '--json', '--show-secrets', '--stack', stack];
  const options = {
    cwd: await infraFolder(terminal.folder, instead),
    env: terminal.environment,
    signal: terminal.interrupted,
    timeout: timeoutMs,
    maxBuffer: outputBytesMax,
  };
  let text: string;
  try {
    ({ stdout: text } = await promisify(execFile)('pulumi', words, options));
  } catch (error) {
    if (terminal.interrupted.aborted) throw new CommandError(1, 'Stopped, as asked.', { cause: error });
    throw pulumiFailure(stack, error, instead);
  }
  try {
    return JSON.parse(text) as StackOutputs;
  } catch {
    // Without the cause: what is no JSON may hold the key all the same.
    throw new CommandError(1, `Failed to read the outputs of the stack ${stack}: pulumi printed no JSON.`);
  }
}

function pulumiFailure(stack: string, error: unknown, instead: string): CommandError {
  const failed = `Failed to read the outputs of the stack ${stack}`;
  const { code, stderr, signal } = error as { code?: unknown; stderr?: string; signal?: string | null };
  if (code === 'ENOENT') {
    return new CommandError(
      1,
      `${failed}: there is no pulumi command. Install it (https://www.pulumi.com/docs/install), or give ${instead} instead of --environment.`,
    );
  }
  if (typeof signal === 'string') {
    return new CommandError(
      1,
      `${failed}: pulumi gave no answer and was ended (${signal}), as it is after ${timeoutMs / 1_000} s. Look whether it reaches its state: pulumi stack ls in infra.`,
    );
  }
  const [said = ''] = (stderr ?? '')
    .split('\n')
    .map((line) => line.replace(/^error: /, '').trim())
    .filter((line) => line !== '');
  return new CommandError(
    1,
    `${failed}: ${said === '' ? 'pulumi failed without a reason' : said.replace(/\.$/, '')}. Sign in with pulumi login, and look with pulumi stack ls in infra.`,
  );
}

/** The text of one output. Throws `CommandError` (1) when the stack does not have it. */
export function outputText(outputs: StackOutputs, name: string, stack: string): string {
  const value = outputs[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new CommandError(
    1,
    `Failed to find ${name} in the outputs of the stack ${stack}. Deploy it first: pulumi -C infra up --stack ${stack}.`,
  );
}

async function infraFolder(folder: string, instead: string): Promise<string> {
  for (let from = folder; ; from = dirname(from)) {
    const candidate = join(from, 'infra');
    try {
      await access(join(candidate, 'Pulumi.yaml'));
      return candidate;
    } catch {
      if (dirname(from) !== from) continue;
      throw new CommandError(
        2,
        `Failed to find the stack: there is no infra/Pulumi.yaml here or in a folder above. Run it in the repository, or give ${instead}.`,
      );
    }
  }
}
