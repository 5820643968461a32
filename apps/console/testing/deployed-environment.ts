import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../cli/bin/activation.js', import.meta.url));
const environmentScript = fileURLToPath(new URL('../../cli/testing/serve-environment.ts', import.meta.url));

/** An environment as it is in Azure. */
export interface DeployedEnvironment {
  /** Where a command is run, and with which variables. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
  /** The roles that the person has from now on; gives what the CRM was told so far. */
  setRoles(roles: readonly string[]): Promise<readonly string[]>;
  end(): Promise<void>;
}

/** An environment, and its console, as a person starts it. */
export interface DeployedConsole extends DeployedEnvironment {
  /** With the token. */
  readonly url: string;
}

/** Starts it. Throws with what it said when it ends before it is ready. */
export async function startDeployedEnvironment(): Promise<DeployedEnvironment> {
  const environment = spawn(process.execPath, [environmentScript], { stdio: ['pipe', 'pipe', 'pipe'] });
  const answers = jsonLines(environment, environment.stdout, environment.stderr, 'the environment');
  const { folder, variables } = (await answers()) as {
    readonly folder: string;
    readonly variables: Readonly<Record<string, string>>;
  };
  return {
    folder,
    variables,
    setRoles: async (roles) => {
      environment.stdin.write(`${JSON.stringify(roles)}\n`);
      return ((await answers()) as { readonly told: readonly string[] }).told;
    },
    end: async () => {
      const ended = once(environment, 'close');
      environment.stdin.end();
      await ended;
    },
  };
}

/** Starts both. Throws with what they said when one ends before it is ready. */
export async function startDeployedConsole(): Promise<DeployedConsole> {
  const environment = await startDeployedEnvironment();
  const { folder, variables } = environment;
  const served = spawn(process.execPath, [command, 'console', '--environment', 'dev', '--json'], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { consoleUrl } = (await jsonLines(served, served.stdout, served.stderr, 'its console')()) as {
    readonly consoleUrl: string;
  };
  return {
    ...environment,
    url: consoleUrl,
    end: async () => {
      const ended = once(served, 'close');
      served.kill('SIGTERM');
      await Promise.all([ended, environment.end()]);
    },
  };
}

/** Gives the lines of a process one after the other; rejects when it ends before the next one. */
function jsonLines(child: ChildProcess, output: Readable, errors: Readable, what: string): () => Promise<unknown> {
  let said = '';
  errors.setEncoding('utf8').on('data', (more: string) => (said += more));
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`Failed to start ${what}: it said ${said} (exit code ${child.exitCode}).`);
    return JSON.parse(value) as unknown;
  };
}
