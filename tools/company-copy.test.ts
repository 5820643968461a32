import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { createTree } from '@nx/devkit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import destinationGenerator from './destination-generator.ts';
import { becomeOperator, copyFiles, linkDependencies } from './operator-checkout.ts';
import { releaseNotes } from './release-notes.ts';
import { isCompanys, root } from './repository.ts';

/** A person without a configuration of git. */
const author = {
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
  GIT_CONFIG_GLOBAL: join(tmpdir(), 'no-such-configuration'),
};
let work: string;
/** This repository with two releases, the company's on a server, and the company's clone. */
let upstream: string;
let server: string;
let hub: string;

const { version: older } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
const newer = older.replace(/\d+$/, (patch) => String(Number(patch) + 1));

function git(folder: string, ...words: readonly string[]): string {
  return execFileSync('git', words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...author },
    stdio: 'pipe',
  });
}

function commit(folder: string, message: string): void {
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', message);
}

/**
 * The commands of the first block of a page that begin like this, with what stands for the reader's
 * own.
 */
function commandsOf(page: string, program: string): readonly (readonly string[])[] {
  const [, block = ''] = /^```\n([^]*?)^```$/m.exec(readFileSync(join(root, 'docs', 'how-to', page), 'utf8')) ?? [];
  return block
    .split('\n')
    .filter((line) => line.startsWith(`${program} `))
    .map((line) =>
      line
        .replace('https://github.com/<owner>/activation-hub.git', upstream)
        .replace('https://github.com/<you>/hub.git', server)
        .replace('v0.1.0', `v${older}`)
        .replace('v0.2.0', `v${newer}`)
        .split(' ')
        .slice(1),
    );
}

async function generate(folder: string, type: string, own: boolean): Promise<void> {
  const tree: Tree = Object.assign(createTree(), { root: folder });
  await destinationGenerator(tree, { type, own });
  for (const { path, content } of tree.listChanges()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (content !== null) writeFileSync(join(folder, path), content);
  }
}

/**
 * What every release changes, and a connector that it brings: its folder, and the files in which
 * connectors are listed.
 */
async function releaseNext(folder: string): Promise<void> {
  for (const path of ['package.json', 'package-lock.json'])
    rewrite(folder, path, (text) => text.replaceAll(`"version": "${older}"`, `"version": "${newer}"`));
  rewrite(folder, 'CHANGELOG.md', (text) =>
    text.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [${newer}] - 2100-01-01\n\n### Added\n\n- A connector.\n`),
  );
  rewrite(folder, 'own/README.md', (text) => `${text}\nMore words.\n`);
  await generate(folder, 'pigeon-post', false);
}

function rewrite(folder: string, path: string, change: (text: string) => string): void {
  writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')));
}

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'company-'));
  [upstream, server, hub] = [join(work, 'upstream'), join(work, 'server.git'), join(work, 'hub')];
  // As it is released, wherever this test runs: a company's copy runs it too.
  const activations = join('apps', 'handler', 'activations');
  copyFiles(upstream, (path) => !isCompanys(path) && !/^apps\/handler\/activations\/.*\.yaml$/.test(path));
  cpSync(join(root, 'infra', 'fixtures', 'activations'), join(upstream, activations), { recursive: true });
  rewrite(upstream, 'CHANGELOG.md', (text) => text.replace(/^(## \[Unreleased\]\n)[^]*?(?=^## \[)/m, '$1\n'));
  git(upstream, 'init', '--quiet', '--initial-branch', 'main');
  commit(upstream, 'one');
  git(upstream, 'tag', `v${older}`);
  await releaseNext(upstream);
  commit(upstream, 'two');
  git(upstream, 'tag', `v${newer}`);
  git(work, 'init', '--quiet', '--bare', server);

  for (const words of commandsOf('own-repository.md', 'git')) git(words[0] === 'clone' ? work : hub, ...words);
  becomeOperator(hub);
  await generate(hub, 'acme-crm', true);
  linkDependencies(hub);
  mkdirSync(join(hub, 'own', 'trial'));
  writeFileSync(join(hub, '.github', 'workflows', 'own-nightly.yml'), 'on: { workflow_dispatch: }\njobs: {}\n');
  rewrite(hub, 'apps/handler/activations/dev.yaml', (text) =>
    text.replace(
      'destinations:\n',
      'destinations:\n  acme: { type: own/acme-crm, settings: { apiKey: { secret: acme-key } } }\n',
    ),
  );
  appendFileSync(join(hub, 'own', 'trial', 'notes.md'), 'Ours.\n');
  commit(hub, 'ours');
  git(hub, 'push', '--quiet', 'origin', 'main');
});
afterAll(() => {
  rmSync(work, { recursive: true, force: true });
});

const ours = [
  'apps/handler/activations',
  'infra/Pulumi.dev.yaml',
  'own/connectors',
  'own/trial',
  '.github/workflows/own-nightly.yml',
];

test('what follows is a release, by the rules of this repository', () => {
  expect(releaseNotes(`v${newer}`, upstream)).toBe('### Added\n\n- A connector.');
});

test(
  'a company’s copy takes a newer release without a conflict, and no file of the company changes',
  { timeout: 300_000 },
  () => {
    const before = git(hub, 'rev-parse', 'HEAD').trim();
    expect(git(work, 'ls-remote', server, 'main')).toContain(before);
    for (const words of commandsOf('upgrade.md', 'git')) git(hub, ...words);
    expect(git(hub, 'status', '--porcelain')).toBe('');
    expect(git(hub, 'diff', '--name-only', before, 'HEAD', '--', ...ours)).toBe('');
    expect(git(hub, 'diff', '--name-only', before, 'HEAD')).toContain(
      'libs/destinations/src/pigeon-post/destination.ts',
    );
    expect(readFileSync(join(hub, 'package.json'), 'utf8')).toContain(`"version": "${newer}"`);
    expect(git(work, 'ls-remote', server, 'upgrade')).toContain(git(hub, 'rev-parse', 'HEAD').trim());
  },
);

test(
  'the release reads the company’s activation files, its own connector among what they name',
  { timeout: 300_000 },
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['apps/cli/bin/activation.js', 'check'], {
      cwd: hub,
      encoding: 'utf8',
      // Nx asks for colours, and Node warns if another variable asks for none.
      env: { ...process.env, FORCE_COLOR: undefined },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('apps/handler/activations/dev.yaml');
    rewrite(hub, 'apps/handler/activations/dev.yaml', (text) => text.replace('version: 1', 'version: 2'));
    const other = spawnSync(process.execPath, ['apps/cli/bin/activation.js', 'check'], { cwd: hub, encoding: 'utf8' });
    git(hub, 'checkout', '--', '.');
    expect(other.status).toBe(2);
    expect(`${other.stdout}${other.stderr}`).toContain('version must be 1: write version: 1');
  },
);

test('control: a release that changes a file which the company has changed meets a conflict', () => {
  git(upstream, 'switch', '--quiet', '--create', 'wrong');
  rewrite(upstream, 'apps/handler/activations/dev.yaml', (text) => text.replaceAll('sports-fans', 'fans'));
  commit(upstream, 'wrong');
  git(hub, 'fetch', '--quiet', 'upstream', 'wrong');
  const { status, stdout } = spawnSync('git', ['merge', 'FETCH_HEAD'], {
    cwd: hub,
    encoding: 'utf8',
    env: { ...process.env, ...author },
  });
  git(hub, 'merge', '--abort');
  expect(status).toBe(1);
  expect(stdout).toContain('CONFLICT (content): Merge conflict in apps/handler/activations/dev.yaml');
});
