import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './repository.ts';

interface Locked {
  readonly startedWorkspaces: readonly string[];
  readonly pathsNeededBy: (workspaces: readonly string[], locked: Packages) => readonly string[];
  readonly allPaths: (locked: Packages) => readonly string[];
}
type Packages = Readonly<Record<string, { readonly version?: string }>>;

const { startedWorkspaces, pathsNeededBy, allPaths } = (await import(
  new URL('locked-packages.mjs', import.meta.url).href
)) as Locked;
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Packages };

test('npm start installs neither Pulumi, nor Nx, nor a browser, nor the telemetry of Azurite', () => {
  const started = pathsNeededBy(startedWorkspaces, packages);
  const foreign =
    /node_modules\/(@pulumi\/|@?nx\b|@nx\/|playwright|@stryker|eslint|vitest|@azure\/monitor-opentelemetry$|@grpc\/)/;
  expect(started.filter((path) => foreign.test(path))).toEqual([]);
  // Control: all of them are in the lockfile, and what is started is found.
  expect(
    allPaths(packages).filter((path) => /node_modules\/(@pulumi\/pulumi|nx|playwright-core|vitest)$/.test(path)),
  ).toHaveLength(4);
  expect(started).toEqual(
    expect.arrayContaining(['node_modules/azurite', 'node_modules/esbuild', 'node_modules/vite']),
  );
  expect(started.length).toBeLessThan(450);
});

test('the lockfile names no host: packages come from where npm is told to get them', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8').match(/"resolved": "[^"]*:[^"]*"/g)).toBeNull();
});

/**
 * A repository with the same workspaces as ours, whose packages are three archives, so that npm
 * needs no registry.
 */
let repository: string;
const run = promisify(execFile);
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'activation-install-'));
  const write = async (path: string, manifest: object): Promise<void> => {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), JSON.stringify({ version: '1.0.0', private: true, ...manifest }));
  };
  for (const name of ['light', 'heavy', 'tool']) await write(`sources/${name}/package.json`, { name, private: false });
  await mkdir(join(repository, 'archives'));
  await npmRun('pack', './sources/light', './sources/heavy', './sources/tool', '--pack-destination', 'archives');
  const archive = (name: string, depth = 2) => ({ [name]: `file:${'../'.repeat(depth)}archives/${name}-1.0.0.tgz` });
  await write('package.json', { name: 'all', workspaces: ['apps/*', 'infra'], devDependencies: archive('tool', 0) });
  await write('apps/cli/package.json', { name: 'cli', dependencies: archive('light') });
  await write('apps/handler/package.json', { name: 'handler', dependencies: { cli: '1.0.0' } });
  await write('apps/console/package.json', { name: 'console', devDependencies: archive('tool') });
  await write('infra/package.json', { name: 'infra', dependencies: archive('heavy', 1) });
  await npmRun('install', '--package-lock-only');
  for (const name of ['install.mjs', 'locked-packages.mjs']) {
    await cp(join(root, 'tools', name), join(repository, 'tools', name), { recursive: true });
  }
});

afterAll(() => rm(repository, { recursive: true, force: true }));

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, npm_execpath: '', npm_config_offline: 'true', npm_config_cache: join(repository, 'cache') };
}

async function npmRun(...words: readonly string[]): Promise<void> {
  await run(npm, [...words], { cwd: repository, env: environment(), shell: process.platform === 'win32' });
}

async function install(...words: readonly string[]): Promise<{ code: number; printed: string; errors: string }> {
  const child = spawn(process.execPath, [join(repository, 'tools', 'install.mjs'), ...words], { env: environment() });
  const [printed, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, printed, errors };
}

const isThere = (name: string): boolean => existsSync(join(repository, 'node_modules', name, 'package.json'));

test('start installs what it runs and counts it, the tests add the rest, and neither installs twice', async () => {
  expect(await install('start')).toMatchObject({
    code: 0,
    errors: '',
    printed: expect.stringMatching(
      /^Installing what npm start runs: 4 packages …\n1 of 4\n2 of 4\n3 of 4\n4 of 4\nInstalled 4 packages in \d+ s\.\n$/,
    ) as string,
  });
  expect(['light', 'cli', 'heavy', 'tool'].map(isThere)).toEqual([true, true, false, false]);
  expect(await install('start')).toEqual({ code: 0, printed: '', errors: '' });

  // What is there stays in its place: something may run from it.
  await appendFile(join(repository, 'node_modules', 'light', 'mark'), '');
  expect((await install()).printed).toMatch(/^Installing everything: 3 packages …\n/);
  expect(['light', 'cli', 'heavy', 'tool'].map(isThere)).toEqual([true, true, true, true]);
  expect(existsSync(join(repository, 'node_modules', 'light', 'mark'))).toBe(true);
  expect(await install()).toEqual({ code: 0, printed: '', errors: '' });
  expect(await install('start')).toEqual({ code: 0, printed: '', errors: '' });
});

test('a package whose folder has gone is installed again', async () => {
  await rm(join(repository, 'node_modules', 'heavy'), { recursive: true });
  expect((await install()).printed).toContain('Installing everything: 1 packages …');
  expect(isThere('heavy')).toBe(true);
});

test('what npm installed by itself is not installed again', async () => {
  await npmRun('ci');
  expect(await install()).toEqual({ code: 0, printed: '', errors: '' });
});

test('a failure is said with what npm said, and what to do', async () => {
  await rm(join(repository, 'node_modules'), { recursive: true, force: true });
  await rm(join(repository, 'cache'), { recursive: true, force: true });
  await rm(join(repository, 'archives', 'light-1.0.0.tgz'));
  const { code, errors } = await install('start');
  expect(code).toBe(1);
  expect(errors).toMatch(/npm error code ENOENT/);
  expect(errors).toContain('Failed to install: npm ci ended with');
});
