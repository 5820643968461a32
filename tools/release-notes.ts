import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareVersions, parseChangelog } from './changelog.ts';

/**
 * What a company changes in its copy. No release changes it, so that no merge meets a company's
 * edit (docs/decisions/a-copy-that-merges.md). As pathspecs of git.
 */
export const leftAlone: readonly string[] = [
  'apps/handler/activations/*.yaml',
  'infra/Pulumi.*.yaml',
  'own/*/**',
  'own/package.json',
  '.github/workflows/own-*',
];

/**
 * The notes of the release that a tag makes of what is checked out in the folder. Throws an `Error`
 * in words where it is none: the tag, the version of `package.json` and the newest of CHANGELOG.md
 * differ, changes wait under Unreleased, or a file that a company changes is not as it was in the
 * release before.
 */
export function releaseNotes(tag: string, folder: string): string {
  const refuse = (why: string) => new Error(`Failed to release ${tag}: ${why}`);
  const git = (...words: readonly string[]): string =>
    execFileSync('git', words, { cwd: folder, encoding: 'utf8' }).trim();
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
  if (tag !== `v${version}`)
    throw refuse(`the version in package.json is ${version}. Run npm version, or tag v${version}.`);
  const { unreleased, releases } = parseChangelog(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8'));
  const [newest] = releases;
  if (newest?.version !== version)
    throw refuse(`the newest version in CHANGELOG.md is ${newest?.version ?? 'none'}. Give ${version} its part.`);
  if (unreleased !== '') throw refuse(`CHANGELOG.md has changes under Unreleased. Move them to ${version}.`);
  const before = git('tag', '--list', 'v*')
    .split('\n')
    .map((name) => name.slice(1))
    .filter((name) => /^\d+\.\d+\.\d+$/.test(name) && compareVersions(name, version) < 0)
    .toSorted(compareVersions)
    .at(-1);
  if (before !== undefined) {
    const changed = git('diff', '--name-only', `v${before}`, 'HEAD', '--', ...leftAlone);
    if (changed !== '')
      throw refuse(
        `${changed.replaceAll('\n', ', ')} differ from v${before}, and a company has edits there. Leave them as they were, and say in CHANGELOG.md what to change.`,
      );
  }
  return newest.notes;
}

if (import.meta.main) {
  const [tag = ''] = process.argv.slice(2);
  try {
    process.stdout.write(`${releaseNotes(tag, join(import.meta.dirname, '..'))}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
