import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildHandler } from './build.ts';
import { bundledPackages, everyPackage, listContents } from './list-contents.ts';
import { packHandler } from './pack-handler.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'contents-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('the list of what is inside names the packages whose code is in the bundle, each with its digest and licence, and no other', async () => {
  const folder = await temporaryFolder();
  const built = await buildHandler({ outputFolder: join(folder, 'app'), mapsFolder: join(folder, 'maps') });
  const { path, digest } = await packHandler(built.folder, join(folder, 'handler.zip'));
  const list = await listContents(path);
  expect(list).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
  expect(list.metadata.component).toMatchObject({ hashes: [{ alg: 'SHA-256', content: digest }] });
  const names = list.components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['@azure/event-hubs', '@azure/data-tables', 'rhea', 'zod', 'yaml']));
  const withoutProof = list.components.filter(
    ({ hashes = [], licenses = [] }) => hashes.length * licenses.length === 0,
  );
  expect(withoutProof.map((component) => component['bom-ref'])).toEqual([]);
  // What builds and packs is declared by the app and is not inside.
  expect(names).not.toContain('esbuild');
  expect(names).not.toContain('fflate');
});

test('a package that these sources do not make gets no list', async () => {
  const path = join(await temporaryFolder(), 'handler.zip');
  await writeFile(path, 'the package of yesterday');
  await expect(listContents(path)).rejects.toThrow(
    /^Failed to list the contents: .* is another package than these sources make\. Build the handler again: npx nx build handler\.$/,
  );
});

test('control: npm by itself lists what builds and packs too', async () => {
  const names = (await everyPackage()).components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['esbuild', 'fflate', 'zod']));
});

test('a file of which nothing is left, and one of ours, name no package', async () => {
  const input = (bytesInOutput: number) => ({ bytesInOutput });
  const output = {
    inputs: {
      '../../node_modules/zod/v4/index.js': input(10),
      '../../node_modules/yaml/dist/index.js': input(0),
      '../../libs/activation/src/index.ts': input(10),
    },
    bytes: 20,
    imports: [],
    exports: [],
  };
  expect(await bundledPackages({ 'main.mjs': output })).toEqual([expect.stringMatching(/^zod@\d/)]);
});
