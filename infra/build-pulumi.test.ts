import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { pulumiVersion } from './testing/pulumi-command.ts';

const script = join(import.meta.dirname, 'testing', 'build-pulumi.ts');

/** An empty machine: a cache folder, and a folder as the whole PATH. */
function emptyMachine() {
  const folder = mkdtempSync(join(tmpdir(), 'build-pulumi-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [bin, cache] = [join(folder, 'bin'), join(folder, 'cache')];
  for (const inner of [bin, cache]) mkdirSync(inner);
  const run = (...args: readonly string[]) => {
    const env = { PATH: bin, XDG_CACHE_HOME: cache, HOME: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const command = (name: string, shell: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${shell}\n`);
    chmodSync(join(bin, name), 0o755);
    return join(bin, name);
  };
  return { run, command, built: join(cache, 'activation-hub', `pulumi-${pulumiVersion}`) };
}

test('the documents name the version of the SDK, which is that of the engine', () => {
  const page = (...path: readonly string[]) => readFileSync(join(import.meta.dirname, '..', ...path), 'utf8');
  const [minor = ''] = /^\d+\.\d+/.exec(pulumiVersion) ?? [];
  expect(page('docs', 'operating', 'deploy.md')).toContain(
    `[\`pulumi\`](https://www.pulumi.com/docs/install/) ${minor} or newer`,
  );
  expect(page('infra', 'README.md')).toContain(`Building Pulumi ${pulumiVersion} into …/`);
});

test('without Go it says so and ends with 1, so that no run waits for a test that cannot run', () => {
  const { run } = emptyMachine();
  expect(run()).toEqual({
    status: 1,
    stdout: '',
    stderr: 'Failed to build Pulumi: there is no Go on the PATH. Install Go 1.26.6 or newer.\n',
  });
});

test('a Pulumi on the PATH is enough, and nothing is built', () => {
  const { run, command } = emptyMachine();
  command('go', 'exit 9');
  const pulumi = command('pulumi', 'exit 0');
  expect(run()).toEqual({ status: 0, stdout: `Pulumi is there: ${pulumi}\n`, stderr: '' });
});

test('what Go builds is there the next time', () => {
  const { run, command, built } = emptyMachine();
  // Stands in for the compiler: `go build … -o pulumi …` leaves a file that can be run.
  command('go', '[ "$1" = get ] && exit 0; echo >pulumi; /bin/chmod +x pulumi');
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(built)).toEqual(['pulumi']);
  command('go', 'exit 9');
  expect(run()).toEqual({ status: 0, stdout: `Pulumi is there: ${join(built, 'pulumi')}\n`, stderr: '' });
});

test('a build that fails leaves nothing behind, and says which step it was', () => {
  const { run, command, built } = emptyMachine();
  command('go', 'echo "no such module" >&2; exit 3');
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toMatch(/^no such module\nFailed to build Pulumi: `go get` ended with 3\./);
  expect(readdirSync(built)).toEqual([]);
});

test('help is on standard output, wrong usage ends with 2', () => {
  const { run } = emptyMachine();
  expect(run('--help')).toMatchObject({ status: 0, stderr: '' });
  expect(run('--fast')).toMatchObject({ status: 2, stdout: '' });
});
