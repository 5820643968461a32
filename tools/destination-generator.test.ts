import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Tree } from '@nx/devkit';
import { createTree } from '@nx/devkit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import destinationGenerator from './destination-generator.ts';
import { root } from './repository.ts';

const run = promisify(execFile);
const library = 'libs/destinations';
const changed = ['src/registry.ts', 'testing/local-vendors.ts', 'README.md'].map((path) => `${library}/${path}`);
/** Below the repository, where packages are found, and where no other test looks. */
let copy: string;

/** A tree of the copy, for nx makes those on a disk by its command only. */
const treeOfCopy = (): Tree => Object.assign(createTree(), { root: copy });

/** The blocks of code of the page, by the file that their heading names. */
async function workedExample(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(root, 'docs/specs/destination.md'), 'utf8');
  const blocks = page.matchAll(/^### `([^`]+)`[^\n]*\n\n```ts\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name = '', code = '']) => [name, code]));
}

beforeAll(async () => {
  await mkdir(join(root, 'tools/dist'), { recursive: true });
  copy = await mkdtemp(join(root, 'tools/dist/generated-'));
  for (const path of [library, 'docs/destinations', 'tsconfig.base.json', 'vitest.config.ts', 'tools/need-shell.ts']) {
    const isOurs = (source: string) => !/[\\/](dist|node_modules)$/.test(source.slice(root.length));
    await cp(join(root, path), join(copy, path), { recursive: true, filter: isOurs });
  }
  // The projects that the library refers the compiler to are not in the copy.
  await writeFile(join(copy, library, 'tsconfig.json'), '{ "extends": "../../tsconfig.base.json" }');
  const tree = treeOfCopy();
  await destinationGenerator(tree, { type: 'acme', description: "Keeps the members of Acme's lists." });
  await destinationGenerator(tree, { type: 'pigeon-post', title: 'Pigeon Post' });
  for (const { path, content } of tree.listChanges()) {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    if (content !== null) await writeFile(join(copy, path), content);
  }
  for (const [name, code] of await workedExample()) {
    await writeFile(join(copy, library, 'src/pigeon-post', name), code);
  }
  await run(process.execPath, [join(copy, library, 'write-reference-pages.ts')]);
});
afterAll(() => rm(copy, { recursive: true, force: true }));

/** What vitest says of each file of tests. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[];
  }[];
}

test('a generated connector, and that of the worked example, pass the contract suite and have their pages', async () => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const folder = join(copy, library);
  const files = ['src/acme', 'src/pigeon-post', 'src/example.test.ts', 'src/reference-page.test.ts'];
  const words = ['run', '--config', join(copy, 'vitest.config.ts'), '--root', folder, ...files];
  await run(process.execPath, [vitest, ...words], { cwd: folder }).catch(() => undefined); // The report says why.
  const report = JSON.parse(await readFile(join(folder, 'dist/test-results.json'), 'utf8')) as Report;
  const failures = report.testResults.flatMap(({ message, assertionResults }) => [
    ...(message === '' ? [] : [message]),
    ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
  ]);
  expect(failures).toEqual([]);
  for (const type of ['acme', 'pigeon-post']) {
    const own = report.testResults.find(({ name }) => name.includes(`src/${type}/`));
    expect(own?.assertionResults.length, type).toBeGreaterThan(20);
  }
});

test('both compile', async () => {
  const config = {
    extends: './tsconfig.base.json',
    compilerOptions: {
      composite: false,
      noEmit: true,
      emitDeclarationOnly: false,
      declarationMap: false,
      rootDir: root,
    },
    include: [`${library}/src/acme/**/*.ts`, `${library}/src/pigeon-post/**/*.ts`],
    exclude: [],
  };
  await writeFile(join(copy, 'tsconfig.json'), JSON.stringify(config));
  const { stdout } = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', copy]).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});

test('the worked example takes less than 60 lines written by hand', async () => {
  const example = await workedExample();
  expect([...example.keys()]).toEqual(['vendor-format.ts', 'request.ts', 'response.ts']);
  const lines = [...example.values()].flatMap((code) => code.split('\n').filter((line) => line.trim() !== ''));
  expect(lines.length).toBeLessThan(60);
});

test('it is registered everywhere, in the order of the types', async () => {
  const texts = await Promise.all(changed.map((path) => readFile(join(copy, path), 'utf8')));
  for (const text of texts) {
    const places = ['acme', 'meta-custom-audiences', 'pigeon-post', 'webhook'].map((type) =>
      text.search(new RegExp(`^( {2}'?|\\| \\[\`)${type}\\b`, 'm')),
    );
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
  }
  expect(await readFile(join(copy, 'docs/destinations/README.md'), 'utf8')).toContain(
    "- [Acme](acme.md): Keeps the members of Acme's lists.",
  );
});

test('one of the company’s own is made in own/connectors, as a default export, and changes no file that is there', async () => {
  const tree = treeOfCopy();
  await destinationGenerator(tree, { type: 'acme-crm', own: true });
  const changes = tree.listChanges();
  expect(changes.every(({ type, path }) => type === 'CREATE' && path.startsWith('own/connectors/acme-crm/'))).toBe(
    true,
  );
  expect(tree.read('own/connectors/acme-crm/destination.ts', 'utf8')).toMatch(/\nexport default acmeCrm;\n$/);
  expect(tree.read('own/connectors/acme-crm/README.md', 'utf8')).toContain('type: own/acme-crm');
});

test.each([
  ['Acme', 'its type is not kebab case. Write it like acme-crm.'],
  ['webhook', 'there is libs/destinations/src/webhook already. Choose another type.'],
])('the type %j is refused', async (type, why) => {
  await expect(destinationGenerator(treeOfCopy(), { type })).rejects.toThrow(
    `Failed to make the destination "${type}": ${why}`,
  );
});
