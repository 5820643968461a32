import { readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { connectorFileKinds, isConnectorFile } from './connector-files.ts';
import { importCircles } from './import-circles.ts';
import { isNeedingShell, needShell } from './need-shell.ts';
import { isCompanys, projectFolders, repositoryFiles, repositoryPaths, root } from './repository.ts';
import { tidyRules } from './tidy-rules.ts';

const files = repositoryFiles().filter(({ path }) => !isCompanys(path));

test.each(tidyRules)('$name', ({ applies, offences, instead }) => {
  expect(files.filter(({ path }) => applies(path)).flatMap(offences), instead).toEqual([]);
});

/** For each rule, a file that breaks it: proves that the rule can fail. */
const broken: Readonly<Record<string, { path: string; text: string }>> = {
  'no leftover markers': { path: 'libs/a/src/a.ts', text: '// TODO later' },
  'no test that does not run': { path: 'libs/a/src/a.test.ts', text: "test.skip('x', () => {});" },
  'no swallowed error': { path: 'libs/a/src/a.ts', text: 'try { a(); } catch {}' },
  'no check switched off without its reason': { path: 'libs/a/src/a.ts', text: '// eslint-disable-next-line eqeqeq' },
  'no path of a machine, no private registry': { path: 'README.md', text: 'see /home/ada/notes' },
  'no source of another project is imported by its address': {
    path: 'infra/a.test.ts',
    text: "const a = await import(new URL('../apps/handler/src/a.ts', import.meta.url).href);",
  },
  'what runs imports nothing of what only tests need': {
    path: 'infra/plan-stack.ts',
    text: "import { recordStack } from './testing/record-stack.ts';",
  },
  'the reporter alone chooses between text and JSON': {
    path: 'apps/cli/src/operate/a.ts',
    text: '  if (options.json) terminal.print(JSON.stringify(fact));',
  },
  'no drawer for unrelated things': { path: 'libs/a/src/utils.ts', text: '' },
  'file names are kebab case': { path: 'libs/a/src/someThing.ts', text: '' },
  'a folder of a connector holds files of the known kinds': {
    path: 'libs/destinations/src/acme/campaigns.ts',
    text: '',
  },
  'no file of code over 400 lines': { path: 'libs/a/src/a.ts', text: '\n'.repeat(401) },
  'no comment over 100 columns': { path: 'libs/a/src/a.ts', text: `  // ${'many words '.repeat(10)}` },
  'comments and pages say which process, row or person acts': {
    path: 'libs/a/src/a.ts',
    text: '// Whoever waits is told.\nconst nobody = 0;',
  },
  'tests say what is, not what should be': { path: 'libs/a/src/a.test.ts', text: "test('it should work', () => {});" },
  'a decision names what was weighed against it': {
    path: 'docs/decisions/a-choice.md',
    text: '# A choice\n\nIt is so.',
  },
  'nothing is spawned that Windows starts by a shell only': { path: 'libs/a/src/a.ts', text: "spawn('npx', ['nx']);" },
  'a path and an address are made of each other by Node': {
    path: 'libs/a/src/a.ts',
    text: "const folder = new URL('.', import.meta.url).pathname;",
  },
  'no place that only POSIX has': { path: 'libs/a/src/a.ts', text: "const file = '/tmp/a';" },
  'a process is not sent a signal that Windows takes for its end': {
    path: 'libs/a/src/a.ts',
    text: "process.kill(process.pid, 'SIGINT');",
  },
  'a link to a folder is one that Windows lets everybody make': {
    path: 'libs/a/src/a.ts',
    text: "symlinkSync('a', 'b');",
  },
  'a name is one that every file system can hold': { path: 'docs/a:b.md', text: '' },
  'npm scripts are of words that every shell reads alike': {
    path: 'package.json',
    text: '    "test": "NODE_ENV=test vitest"',
  },
  'no test depends on the speed of the machine': {
    path: 'libs/a/src/a.test.ts',
    text: 'await expect.poll(() => events, { timeout: 10_000 }).toEqual([1]);',
  },
  'time is an argument': {
    path: 'libs/a/src/a.test.ts',
    text: 'await new Promise((resolve) => setTimeout(resolve, 500));',
  },
};

test.each(tidyRules)('control: "$name" is found where it is broken', ({ name, applies, offences }) => {
  const file = broken[name];
  if (file === undefined) throw new Error(`Failed to prove the rule: no broken file is given for ${name}.`);
  expect(applies(file.path)).toBe(true);
  expect(offences(file)).toHaveLength(1);
});

test('no files import each other in a circle, types included: what they need of each other stands in a file of its own', () => {
  const code = files.filter(({ path }) => /\.(tsx?|m?js)$/.test(path) && !path.includes('/fixtures/'));
  expect(importCircles(code)).toEqual([]);
});

test('control: two, three and one file that import each other in a circle are found, each circle once', () => {
  const one = { path: 'libs/a/src/one.ts', text: "import { two } from './deep/two.ts';" };
  const two = { path: 'libs/a/src/deep/two.ts', text: "import type { Three } from '../three.ts';" };
  const three = { path: 'libs/a/src/three.ts', text: "export * from './one.ts';" };
  const outside = { path: 'libs/a/src/outside.ts', text: "import './one.ts';\nimport './leaf.ts';" };
  const leaf = { path: 'libs/a/src/leaf.ts', text: "import { readFileSync } from 'node:fs';" };
  expect(importCircles([outside, three, two, one, leaf])).toEqual([
    'libs/a/src/deep/two.ts → libs/a/src/three.ts → libs/a/src/one.ts → libs/a/src/deep/two.ts',
  ]);
  expect(importCircles([outside, three, one, leaf])).toEqual([]);
  const pair = { path: two.path, text: "const one = await import('../one.ts');" };
  expect(importCircles([one, pair])).toEqual(['libs/a/src/deep/two.ts → libs/a/src/one.ts → libs/a/src/deep/two.ts']);
  const itself = { path: 'libs/a/src/itself.ts', text: "import { b } from './itself.ts';" };
  expect(importCircles([itself])).toEqual(['libs/a/src/itself.ts → libs/a/src/itself.ts']);
});

test('no two paths differ in case alone, for Windows and macOS take them for one', () => {
  const byLowerCase = Map.groupBy(repositoryPaths(), (path) => path.toLowerCase());
  expect([...byLowerCase.values()].filter((paths) => paths.length > 1)).toEqual([]);
});

/** A test that runs a script of a shell, by itself or by what it imports of `testing`. */
const runsShell =
  /#!\/(?:bin\/sh|usr\/bin\/env bash)|(?:spawn|execFile)(?:Sync)?\(\s*'(?:bash|\/bin\/sh)'|deployed-environment|engine-(?:stack|workspace)|serve-environment/;

test('a test that needs the shell of Linux and macOS is left out on Windows', () => {
  const needing = files.filter(
    ({ path, text }) => path.endsWith('.test.ts') && !path.startsWith('tools/tidy') && runsShell.test(text),
  );
  expect(needing.map(({ path }) => path).filter((path) => !isNeedingShell(path))).toEqual([]);
  const stale = needShell.filter((pattern) => !files.some(({ path }) => matchesGlob(path, pattern)));
  expect(stale).toEqual([]);
});

test('the page about adding a destination shows every kind of file of a connector, and no other', () => {
  const page = files.find(({ path }) => path === 'docs/specs/destination.md')?.text ?? '';
  const [, table = ''] = /^## The files of a folder$(.*?)^## /ms.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| `([^`]+)` +\| (.+?) +\|$/gm)].map(([, name, says]) => [name, says]);
  expect(Object.fromEntries(rows)).toEqual(connectorFileKinds);
});

test.each([
  ['vendor-answers.ts', true],
  ['request-template.url.test.ts', true],
  ['wire-segment.txt', true],
  ['vendors.ts', false],
  ['README-more.md', false],
  ['request.json', false],
  ['answers.test.ts', false],
])('whether %s is a file of a connector: %s', (name, isKnown) => {
  expect(isConnectorFile(name)).toBe(isKnown);
});

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const projects = projectFolders().map((folder) => {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  const code = files.filter(
    ({ path }) => path.startsWith(`${folder}/`) && /\.(tsx?|js)$/.test(path) && !path.includes('/fixtures/'),
  );
  return { folder, manifest, declared: { ...manifest.dependencies, ...manifest.devDependencies }, code };
});

/** Tools that the whole repository has at its root. */
const rootPackages = new Set(['vitest', 'typescript', 'fast-check', 'esbuild', 'yaml']);

test.each(projects)(
  '$folder declares every package that it imports, and no other of ours',
  ({ folder, manifest, declared, code }) => {
    const imported = new Set(
      code.flatMap(({ text }) =>
        [...text.matchAll(/(?:from|import\(?)\s*['"]((?:@[a-z0-9-]+\/)?[a-z][a-z0-9.-]*)(?:\/[^'"]*)?['"]/g)].flatMap(
          ([, name]) => (name === undefined || name.startsWith('node:') ? [] : [name]),
        ),
      ),
    );
    imported.delete(manifest.name);
    const missing = [...imported].filter((name) => !(name in declared) && !rootPackages.has(name));
    expect(missing, `Add to the dependencies of ${folder}/package.json.`).toEqual([]);
    const unused = Object.keys(declared).filter((name) => name.startsWith('@activation-hub/') && !imported.has(name));
    expect(unused, `Remove from the dependencies of ${folder}/package.json.`).toEqual([]);
  },
);

test.each(projects)('$folder refers the compiler to every project that it depends on', ({ folder, declared }) => {
  const { references } = JSON.parse(readFileSync(join(root, folder, 'tsconfig.json'), 'utf8')) as {
    references: { path: string }[];
  };
  const referred = references.map(({ path }) => join(folder, path));
  const expected = Object.keys(declared)
    .filter((name) => name.startsWith('@activation-hub/'))
    .map((name) => projects.find(({ manifest }) => manifest.name === name)?.folder);
  expect(referred.toSorted()).toEqual(expected.toSorted());
});

test.each(projects.filter(({ folder }) => folder !== 'tools'))('$folder has a README', ({ folder }) => {
  expect(files.some(({ path }) => path === `${folder}/README.md`)).toBe(true);
});
