import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareVersions, parseChangelog } from './changelog.ts';
import { root } from './repository.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test('the changelog is of the usual form, and its newest version is that of the repository', () => {
  const { releases } = parseChangelog(read('CHANGELOG.md'));
  const { version } = JSON.parse(read('package.json')) as { readonly version: string };
  const lock = JSON.parse(read('package-lock.json')) as { readonly version: string };
  expect([releases[0]?.version, lock.version]).toEqual([version, version]);
});

const [unreleased, first] = ['## [Unreleased]\n', '## [0.1.0] - 2026-01-01\n\n### Added\n\n- A.\n'];

test('control: what is of that form is read', () => {
  expect(parseChangelog(`# C\n\n${unreleased}\n### Fixed\n\n- B.\n\n${first}`)).toEqual({
    unreleased: '### Fixed\n\n- B.',
    releases: [{ version: '0.1.0', day: '2026-01-01', notes: '### Added\n\n- A.' }],
  });
});

test.each([
  ['no place for what is not released', first, 'it does not begin with ## [Unreleased]'],
  [
    'a version without its day',
    `${unreleased}## [0.1.0]\n\n### Added\n\n- A.\n`,
    'the heading [0.1.0] is not of the form',
  ],
  ['a kind of its own', `${unreleased}${first}\n### Improved\n\n- B.\n`, 'there is no kind of change Improved'],
  ['a change of no kind', `${unreleased}\n- B.\n\n${first}`, 'a change has no kind'],
  ['a version that says nothing', `${unreleased}## [0.1.0] - 2026-01-01\n`, 'version 0.1.0 says nothing'],
  [
    'an older version first',
    `${unreleased}${first}${first.replace('0.1.0', '0.2.0')}`,
    'version 0.1.0 stands before 0.2.0',
  ],
])('control: %s is found', (_what, text, sentence) => {
  expect(() => parseChangelog(text)).toThrow(sentence);
});

test('versions are compared by their numbers', () => {
  expect(['0.10.0', '0.9.9', '1.0.0', '0.9.10'].toSorted(compareVersions)).toEqual([
    '0.9.9',
    '0.9.10',
    '0.10.0',
    '1.0.0',
  ]);
});
