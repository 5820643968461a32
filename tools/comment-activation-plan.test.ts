import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/**
 * Runs the script with an `npx` that does this and a repository that has these comments; gives what
 * it asked of GitHub.
 */
function comment(npx: string, earlier: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'plan-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const asked = join(folder, 'asked');
  writeFileSync(asked, '');
  writeFileSync(join(folder, 'npx'), `#!/usr/bin/env bash\n${npx}\n`, { mode: 0o755 });
  const gh = `if [ "$2" = --paginate ]; then printf '%s' '${earlier}'; else printf '%s\\n' "$*" >> "$ASKED"; fi`;
  writeFileSync(join(folder, 'gh'), `#!/usr/bin/env bash\n${gh}\n`, { mode: 0o755 });
  execFileSync('bash', [join(import.meta.dirname, 'comment-activation-plan.sh')], {
    env: {
      PATH: `${folder}:${process.env.PATH ?? ''}`,
      ENVIRONMENT: 'dev',
      PULL_REQUEST: '7',
      GITHUB_REPOSITORY: 'contoso/activations',
      ASKED: asked,
    },
  });
  return readFileSync(asked, 'utf8').trim().split('\n');
}

test('the first push of a pull request gets a comment with the plan', () => {
  const [request, ...body] = comment('echo "### Plan for $*"', '');
  expect(request).toContain('--method POST repos/contoso/activations/issues/7/comments');
  expect(request).toContain('<!-- activation plan of dev -->');
  expect(body.join('\n')).toContain(
    '### Plan for activation plan --activations apps/handler/activations/dev.yaml --environment dev --markdown',
  );
});

test('later pushes rewrite the comment', () => {
  const [request] = comment('echo plan', '4711\n');
  expect(request).toContain('--method PATCH repos/contoso/activations/issues/comments/4711');
});

test('where the ledger cannot be read, the comment says so and what would allow it', () => {
  const said = comment('exit 1', '').join('\n');
  expect(said).toContain('was not compared with the ledger of dev');
  expect(said).toContain('Storage Table Data Reader');
});
