import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/**
 * Runs the script with a `gh` that finds this issue; gives what it asked of `gh`, and what it said.
 */
function keepIssue(text: string, found: string) {
  const folder = mkdtempSync(join(tmpdir(), 'keep-issue-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [asked, body] = [join(folder, 'asked'), join(folder, 'body.md')];
  writeFileSync(body, text);
  const gh = `#!/usr/bin/env bash\necho "$@" >> '${asked}'\nif [ "$2" = list ]; then echo '${found}'; fi\n`;
  writeFileSync(join(folder, 'gh'), gh, { mode: 0o755 });
  const said = execFileSync('bash', [join(import.meta.dirname, 'keep-issue.sh'), 'Drift in prod', body], {
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env.PATH ?? ''}` },
  });
  const [, ...commands] = readFileSync(asked, 'utf8').trim().replaceAll(body, 'body.md').split('\n');
  return { commands, said };
}

test.each([
  ['a text and no issue: it is opened', 'text', '', ['issue create --title Drift in prod --body-file body.md']],
  ['a text and an issue: it is renewed', 'text', '7', ['issue edit 7 --body-file body.md']],
  ['no text and an issue: it is closed', '', '7', ['issue close 7 --comment Nothing is left of it.']],
  ['no text and no issue: nothing is done', '', '', []],
])('%s', (_what, text, found, commands) => {
  expect(keepIssue(text, found).commands).toEqual(commands);
});
