import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { deployPackage } from './deploy-package.ts';

/**
 * An Azure that accepts the package from some moment on, and a clock that moves when code sleeps or
 * deploys.
 */
function azureFrom(takesAfterMs: number) {
  let timeMs = 0;
  const said: string[] = [];
  const deployed = deployPackage({
    attempt: () => {
      timeMs += 5_000;
      return timeMs >= takesAfterMs;
    },
    timeoutMs: 600_000,
    intervalMs: 30_000,
    now: () => timeMs,
    sleep: (ms) => Promise.resolve((timeMs += ms)),
    print: (line) => said.push(line),
  });
  return { deployed, said, time: () => timeMs };
}

test('a package that is taken at once is deployed once', async () => {
  const { deployed, said } = azureFrom(0);
  await deployed;
  expect(said).toEqual(['Azure took the package at attempt 1.']);
});

test('while the roles are not known yet it is tried again, with words', async () => {
  const { deployed, said } = azureFrom(240_000);
  await deployed;
  expect(said.at(0)).toBe(
    'Attempt 1 was refused. Roles that were just given take minutes until storage knows them; the next attempt is in 30 s, the last one in 10 minutes.',
  );
  expect(said.at(-1)).toBe('Azure took the package at attempt 8.');
});

test('after ten minutes it ends, and says where the reason is', async () => {
  const { deployed, time } = azureFrom(Infinity);
  await expect(deployed).rejects.toThrow(/^Failed to deploy the package: Azure did not take it in 18 attempts over /);
  expect(time()).toBeLessThanOrEqual(600_000);
});

test('az is asked for the app, its group and the file, and a failure of it is an attempt', () => {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-package-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'az'), `#!/usr/bin/env bash\necho "$*" >> '${folder}/log'\n`, { mode: 0o755 });
  const words = [join(import.meta.dirname, 'deploy-package.ts'), 'rg-acthub-dev', 'func-dev', 'package/handler.zip'];
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH ?? ''}` };
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', env });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'Azure took the package at attempt 1.\n' });
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe(
    'functionapp deployment source config-zip --resource-group rg-acthub-dev --name func-dev --src package/handler.zip --only-show-errors --output none\n',
  );
});
