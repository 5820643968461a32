import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { becomeOperator, copyCheckout, testsThatReadOperatorFiles } from './operator-checkout.ts';
import { root } from './repository.ts';

/** Suites run a second time, on a machine that others share. */
const timeout = 300_000;

let checkout: string;
let nowhere: string;
beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'operator-checkout-'));
  nowhere = mkdtempSync(join(tmpdir(), 'operator-cache-'));
  copyCheckout(checkout);
  becomeOperator(checkout);
});
afterAll(() => {
  for (const folder of [checkout, nowhere]) rmSync(folder, { recursive: true, force: true });
});

/**
 * What a tool of the checkout says when it fails in one of its folders; nothing where it ends well.
 */
function failureOf(folder: string, file: string, ...words: readonly string[]): Promise<string | undefined> {
  const options = {
    cwd: join(checkout, folder),
    maxBuffer: 64 * 1024 * 1024,
    // Without Pulumi: the tests of the engine write a configuration of their own.
    env: { ...process.env, XDG_CACHE_HOME: nowhere, PULUMI_COMMAND: '', PATH: pathWithoutPulumi(), NO_COLOR: '1' },
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(checkout, file), ...words], options, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}`);
    });
  });
}

function pathWithoutPulumi(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((folder) => !/pulumi/i.test(folder)).join(delimiter);
}

test.each([
  ['infra', ['config-schema.test.ts', 'print-commands.test.ts']],
  ['apps/handler', ['src/main.test.ts', 'src/handler-contract.test.ts']],
  ['tools', ['affected-environments.test.ts']],
] as const)(
  'the tests of %s that read an operator’s files pass with files that are an operator’s own',
  { timeout },
  async (project, amongThem) => {
    const readers = await testsThatReadOperatorFiles(checkout, project);
    // These make checkouts themselves.
    const makers = ['operator-files.test.ts', 'company-copy.test.ts'];
    const tests = readers.filter((path) => !makers.includes(path));
    expect(tests).toEqual(expect.arrayContaining([...amongThem]));
    const run = ['run', '--config', join(checkout, 'vitest.config.ts'), '--root', '.', ...tests];
    expect(await failureOf(project, 'node_modules/vitest/vitest.mjs', ...run)).toBeUndefined();
  },
);

test('their format is theirs', { timeout }, async () => {
  const words = ['--check', 'infra/Pulumi.dev.yaml', 'apps/handler/activations', '--ignore-path', '.prettierignore'];
  expect(await failureOf('.', 'node_modules/prettier/bin/prettier.cjs', ...words)).toBeUndefined();
});

const checkActivations = () => failureOf('.', 'apps/cli/bin/activation.js', 'check');

test('an operator’s activation files are right', { timeout }, async () => {
  expect(await checkActivations()).toBeUndefined();
  const { status, stdout } = spawnSync(process.execPath, ['apps/cli/bin/activation.js', 'check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect({ status, stdout }, 'those of this checkout').toEqual({ status: 0, stdout: expect.anything() as unknown });
});

/** Changes a file of the operator for the time of a look. */
async function changed<Seen>(file: string, from: string, to: string, look: () => Promise<Seen>): Promise<Seen> {
  const path = join(checkout, file);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
  try {
    return await look();
  } finally {
    writeFileSync(path, text);
  }
}

test('control: a destination of a kind that does not exist is found', { timeout }, async () => {
  const file = 'apps/handler/activations/dev.yaml';
  expect(await changed(file, 'type: webhook', 'type: webhok', checkActivations)).toContain('webhok');
});

test('control: a region that is none is found', { timeout }, async () => {
  const run = ['run', '--config', join(checkout, 'vitest.config.ts'), '--root', '.', 'config-schema.test.ts'];
  const suite = () => failureOf('infra', 'node_modules/vitest/vitest.mjs', ...run);
  const said = await changed('infra/Pulumi.dev.yaml', 'germanywestcentral', 'Frankfurt am Main', suite);
  expect(said).toContain('location must be the name of an Azure region');
});
