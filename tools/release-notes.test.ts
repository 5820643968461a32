import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { releaseNotes } from './release-notes.ts';

/** A repository with the release v0.1.0, and what stands there after it. */
function repositoryAfter(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const git = (...words: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...words], { cwd: folder });
  const commit = (written: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(written)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    git('add', '--all');
    git('commit', '--quiet', '--message', 'a');
  };
  git('init', '--quiet');
  commit({
    ...at('0.1.0'),
    'infra/Pulumi.dev.yaml': 'a',
    'apps/handler/activations/dev.yaml': 'a',
    'own/README.md': 'a',
  });
  git('tag', 'v0.1.0');
  commit({ ...at('0.2.0'), ...files });
  return folder;
}

const at = (version: string): Readonly<Record<string, string>> => ({
  'package.json': JSON.stringify({ version }),
  'CHANGELOG.md': `## [Unreleased]\n\n## [${version}] - 2026-01-01\n\n### Added\n\n- What ${version} has.\n`,
});

test('the notes of a release are its part of the changelog', () => {
  expect(releaseNotes('v0.2.0', repositoryAfter({ 'own/README.md': 'b' }))).toBe('### Added\n\n- What 0.2.0 has.');
});

test.each<[string, Readonly<Record<string, string>>, string, string]>([
  ['a tag of another version', {}, 'v0.3.0', 'the version in package.json is 0.2.0.'],
  [
    'a version without its part',
    { 'CHANGELOG.md': at('0.1.0')['CHANGELOG.md'] ?? '' },
    'v0.2.0',
    'the newest version in CHANGELOG.md is 0.1.0.',
  ],
  [
    'a change that waits',
    { 'CHANGELOG.md': `## [Unreleased]\n\n### Added\n\n- B.\n${(at('0.2.0')['CHANGELOG.md'] ?? '').slice(15)}` },
    'v0.2.0',
    'has changes under Unreleased',
  ],
  [
    'an activation file that is otherwise',
    { 'apps/handler/activations/dev.yaml': 'b' },
    'v0.2.0',
    'activations/dev.yaml differ from v0.1.0',
  ],
  ['a stack that is otherwise', { 'infra/Pulumi.dev.yaml': 'b' }, 'v0.2.0', 'infra/Pulumi.dev.yaml differ from v0.1.0'],
  ['a new stack', { 'infra/Pulumi.eu.yaml': 'b' }, 'v0.2.0', 'infra/Pulumi.eu.yaml differ'],
  [
    'a connector in the company’s folder',
    { 'own/connectors/a/destination.ts': 'b' },
    'v0.2.0',
    'own/connectors/a/destination.ts differ',
  ],
  ['a workflow under a company’s name', { '.github/workflows/own-a.yml': 'b' }, 'v0.2.0', 'own-a.yml differ'],
])('%s is no release', (_what, files, tag, words) => {
  expect(() => releaseNotes(tag, repositoryAfter(files))).toThrow(words);
});
