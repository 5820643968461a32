import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/**
 * Runs the script with a `gh` that does this; gives what it said in the log, and in the summary.
 */
function sayHow(deployed: string, gh: string): { readonly log: string; readonly summary: string } {
  const folder = mkdtempSync(join(tmpdir(), 'roll-back-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'gh'), `#!/usr/bin/env bash\n${gh}\n`, { mode: 0o755 });
  const summaryFile = join(folder, 'summary');
  writeFileSync(summaryFile, '');
  const log = execFileSync('bash', [join(import.meta.dirname, 'say-how-to-roll-back.sh')], {
    encoding: 'utf8',
    env: {
      PATH: `${folder}:${process.env.PATH ?? ''}`,
      ENVIRONMENT: 'prod',
      DEPLOYED: deployed,
      RUN: '4712',
      GITHUB_STEP_SUMMARY: summaryFile,
    },
  });
  return { log, summary: readFileSync(summaryFile, 'utf8') };
}

test('a package that was sent is taken back with the command for the newest run that went all the way', () => {
  const { log, summary } = sayHow('success', '[[ "$*" = *"select(. != 4712)"* ]] && echo 4711');
  expect(log).toContain('gh workflow run operate.yml -f action=rollback -f environment=prod -f run=4711');
  expect(summary).toBe(log);
});

test.each(['', 'skipped', 'cancelled'])(
  'where the package was not sent (%j), nothing is to be taken back',
  (deployed) => {
    const { log } = sayHow(deployed, 'echo 4711');
    expect(log).toContain('prod runs the package that it ran before');
    expect(log).not.toContain('gh workflow run');
  },
);

test.each([
  ['there is no such run', 'true'],
  ['GitHub cannot be asked', 'exit 1'],
])('where %s, it says how to choose one', (_what, gh) => {
  expect(sayHow('failure', gh).log).toMatch(/run=<id of the run>[\s\S]*gh run list --workflow deploy\.yml/);
});
