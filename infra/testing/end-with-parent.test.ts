import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** Whether a process runs; signal 0 only asks. */
function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

test.each(['offline-azure-plugin.ts', 'language-host.ts'])('%s ends when the engine was killed', async (plugin) => {
  const folder = mkdtempSync(join(tmpdir(), 'end-with-parent-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // A shell stands in for the engine. It says the plugin's id, and the plugin its port once it
  // serves.
  const command = `"$0" "$1" "$2" & echo $!; wait`;
  const engine = spawn('/bin/sh', ['-c', command, process.execPath, join(import.meta.dirname, plugin), folder]);
  let said = '';
  engine.stdout.on('data', (words: Buffer) => (said += words.toString()));
  await expect.poll(() => said.trim().split('\n')).toHaveLength(2);
  const id = Number(said.split('\n')[0]);
  expect(isRunning(id)).toBe(true);
  engine.kill('SIGKILL');
  await once(engine, 'exit');
  await expect.poll(() => isRunning(id)).toBe(false);
});
