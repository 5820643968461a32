import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const command = fileURLToPath(new URL('../bin/activation.js', import.meta.url));

/** A command that runs until it is ended, with a shell between, as npm starts it. */
async function startBelowShell(environment: Readonly<Record<string, string | undefined>>) {
  const script = '"$0" "$1" event-hubs --port 0 --json & echo "$!"; wait';
  const shell = spawn('sh', ['-c', script, process.execPath, command], {
    env: { ...process.env, npm_command: undefined, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: shell.stdout });
  const [processId] = (await once(lines, 'line')) as [string];
  onTestFinished(() => {
    if (isRunning(Number(processId))) process.kill(Number(processId), 'SIGKILL');
  });
  const [ready] = (await once(lines, 'line')) as [string];
  expect(ready).toContain('"event":"ready"');
  return { shell, processId: Number(processId) };
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

test('a command that npm started ends when the shell between them is gone', async () => {
  const { shell, processId } = await startBelowShell({ npm_command: 'exec' });
  shell.kill('SIGTERM');
  await expect.poll(() => isRunning(processId)).toBe(false);
});

test('a command that a person left running goes on without its shell', async () => {
  const { shell, processId } = await startBelowShell({});
  const other = await startBelowShell({ npm_command: 'exec' });
  shell.kill('SIGTERM');
  other.shell.kill('SIGTERM');
  await expect.poll(() => isRunning(other.processId)).toBe(false);
  expect(isRunning(processId)).toBe(true);
});
