import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { stackNames } from './operator-files.ts';

const [anyStack = 'dev'] = stackNames();

/**
 * Runs a command as a person does, and gives what it said; an exit other than 0 is no error here.
 */
async function run(file: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
    const options = { cwd: import.meta.dirname, env, maxBuffer: 16 * 1024 * 1024 };
    return { code: 0, ...(await promisify(execFile)(process.execPath, [file, ...args], options)) };
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'stdout' in error) {
      return error as { code: number; stdout: string; stderr: string };
    }
    throw error;
  }
}

test('resources are printed as JSON, without credentials, every one with type, name, parent and inputs', async () => {
  const { code, stdout, stderr } = await run('print-resources.ts', '--stack', anyStack);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const resources = JSON.parse(stdout) as Record<string, unknown>[];
  expect(resources.length).toBeGreaterThan(40);
  for (const resource of resources) expect(Object.keys(resource)).toEqual(['type', 'name', 'parent', 'inputs']);
  expect(resources).toContainEqual(
    expect.objectContaining({ type: 'azure-native:eventhub:EventHub', name: 'stream-hub', parent: 'stream' }),
  );
  expect(resources).toContainEqual(expect.objectContaining({ name: 'group', parent: null }));
  expect(stdout).toContain('"unknown": true');
});

test('the graph is printed as a flowchart of Mermaid with every component', async () => {
  const { code, stdout, stderr } = await run('print-graph.ts', '--stack', anyStack);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^flowchart LR\n/);
  for (const name of ['stream', 'storage', 'vault', 'handler', 'observability'])
    expect(stdout).toContain(`  ${name}["<b>${name}</b>`);
});

test.each(['print-resources.ts', 'print-graph.ts'])(
  '%s: help is on standard output, wrong usage ends with 2',
  async (file) => {
    const help = await run(file, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain(`--stack <name>   which stack: ${stackNames().join(', ')}`);
    for (const args of [[], ['--stack', 'Dev'], ['--stock', 'dev'], ['--stack']]) {
      const wrong = await run(file, ...args);
      expect(wrong).toMatchObject({ code: 2, stdout: '' });
      expect(wrong.stderr).toContain('--stack <name>');
    }
  },
);
