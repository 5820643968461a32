import { spawnSync } from 'node:child_process';
import { setTimeout as sleepFor } from 'node:timers/promises';

export interface Deployment {
  /** One attempt, in front of the person: whether Azure took the package. */
  readonly attempt: () => boolean;
  /** For how long attempts are begun. */
  readonly timeoutMs: number;
  /** Between two attempts. */
  readonly intervalMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly print: (line: string) => void;
}

/**
 * Deploys until Azure takes the package. A role that was just given takes minutes until storage
 * knows it everywhere, and until then the app's own upload of the package is refused with 403, or
 * Kudu answers 503 (github.com/nathanmcnulty/defender-reporting/pull/49,
 * github.com/Azure/functions-action/issues/390). Throws when no attempt that began within
 * `timeoutMs` succeeded.
 */
export async function deployPackage({ attempt, timeoutMs, intervalMs, now, sleep, print }: Deployment): Promise<void> {
  const startedAt = now();
  for (let number = 1; ; number += 1) {
    if (attempt()) {
      print(`Azure took the package at attempt ${number}.`);
      return;
    }
    const leftMs = timeoutMs - (now() - startedAt) - intervalMs;
    if (leftMs < 0) {
      throw new Error(
        `Failed to deploy the package: Azure did not take it in ${number} attempts over ${Math.round((now() - startedAt) / 1000)} s. What it says above is the reason.`,
      );
    }
    print(
      `Attempt ${number} was refused. Roles that were just given take minutes until storage knows them; the next attempt is in ${intervalMs / 1000} s, the last one in ${Math.ceil(leftMs / 60_000)} minutes.`,
    );
    await sleep(intervalMs);
  }
}

/**
 * Azure's own command signs in as `az` is signed in, and uses One Deploy where the plan is Flex
 * Consumption.
 */
function deployWithAz(resourceGroup: string, app: string, file: string): boolean {
  const { status, error } = spawnSync(
    'az',
    [
      ...['functionapp', 'deployment', 'source', 'config-zip'],
      ...['--resource-group', resourceGroup, '--name', app, '--src', file],
      ...['--only-show-errors', '--output', 'none'],
    ],
    { stdio: 'inherit' },
  );
  if (error !== undefined) throw new Error(`Failed to run az: ${error.message}. Install the Azure CLI.`);
  return status === 0;
}

if (import.meta.main) {
  const [resourceGroup, app, file] = process.argv.slice(2);
  if (resourceGroup === undefined || app === undefined || file === undefined) {
    throw new Error('Failed to deploy: run node tools/deploy-package.ts <resource group> <app> <file>');
  }
  await deployPackage({
    attempt: () => deployWithAz(resourceGroup, app, file),
    timeoutMs: 600_000,
    intervalMs: 30_000,
    now: Date.now,
    sleep: sleepFor,
    print: (line) => process.stdout.write(`${line}\n`),
  });
}
