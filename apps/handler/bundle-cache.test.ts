import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cachedBundle, type MadeBundle } from './bundle-cache.ts';

/** A bundler of one source, and a folder for its bundles. */
async function openCache() {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-cache-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bundles = join(folder, 'bundles');
  const source = join(folder, 'package', 'src', 'source.ts');
  const besides = join(folder, 'lock.json');
  await mkdir(join(folder, 'package', 'src'), { recursive: true });
  await writeFile(join(folder, 'package', 'package.json'), '{}');
  await writeFile(source, 'one');
  await writeFile(besides, '{}');
  let made = 0;
  const make = async (): Promise<MadeBundle> => {
    const text = await readFile(source, 'utf8');
    made += 1;
    return { bundle: { files: [{ path: 'main.mjs', text }], outputs: {} }, inputs: [source] };
  };
  /** Later than every file was written. */
  const later = (): number => Date.now() + 60_000;
  const bundle = async (settings: unknown = {}, now = later, bundler = make): Promise<string> => {
    const { files } = await cachedBundle(bundles, { settings, besides: [besides], now }, bundler);
    return files.map(({ text }) => text).join();
  };
  return { folder, bundles, source, besides, bundle, make, made: () => made };
}

test('a bundle is made once, as long as each input is as it was', async () => {
  const { bundle, made } = await openCache();
  expect([await bundle(), await bundle(), await bundle()]).toEqual(['one', 'one', 'one']);
  expect(made()).toBe(1);
});

test('another source, its package.json, another file besides or another setting makes it anew', async () => {
  const { folder, source, besides, bundle, made } = await openCache();
  await bundle();
  await writeFile(source, 'two');
  expect([await bundle(), made()]).toEqual(['two', 2]);
  await writeFile(join(folder, 'package', 'package.json'), '{"type":"module"}');
  expect([await bundle(), made()]).toEqual(['two', 3]);
  await writeFile(besides, '{"version":2}');
  expect([await bundle(), made()]).toEqual(['two', 4]);
  expect([await bundle({ packages: ['pigeon'] }), made()]).toEqual(['two', 5]);
  expect([await bundle(), made()]).toEqual(['two', 5]);
  await rm(join(folder, 'package', 'package.json'));
  expect([await bundle(), made()]).toEqual(['two', 6]);
});

test('a source that is edited while the bundle is made does not pass for the one that was read', async () => {
  const { source, bundle, make, made } = await openCache();
  const editedMeanwhile = async (): Promise<MadeBundle> => {
    const bundled = await make();
    await writeFile(source, 'two');
    return bundled;
  };
  expect(await bundle({}, Date.now, editedMeanwhile)).toBe('one');
  expect([await bundle(), made()]).toEqual(['two', 2]);

  // Control: by a clock that says the edit came before the bundler began, it is the one that was
  // read.
  await writeFile(source, 'one');
  expect(await bundle({}, undefined, editedMeanwhile)).toBe('one');
  expect([await bundle(), made()]).toEqual(['one', 3]);
});

test('several at once get the same, and leave one file behind', async () => {
  const { bundles, bundle } = await openCache();
  expect(new Set(await Promise.all([1, 2, 3, 4, 5].map(() => bundle())))).toEqual(new Set(['one']));
  expect(await readdir(bundles)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.json$/)]);
});

test('the four that were used last stay, and nothing of a process that was killed', async () => {
  const { bundles, bundle, made } = await openCache();
  const age = async (days: number): Promise<void> => {
    const at = new Date(Date.now() - days * 86_400_000);
    for (const name of await readdir(bundles)) await utimes(join(bundles, name), at, at);
  };
  await bundle(1);
  await writeFile(join(bundles, 'killed.json.part'), '{');
  await age(2);
  await bundle(2);
  await age(1);
  // A use makes it the newest again.
  await bundle(1);
  for (const settings of [3, 4, 5]) await bundle(settings);
  expect(await readdir(bundles)).toHaveLength(4);
  expect((await readdir(bundles)).filter((name) => name.endsWith('.part'))).toEqual([]);
  expect(made()).toBe(5);
  await bundle(1);
  expect(made()).toBe(5);
  await bundle(2);
  expect(made()).toBe(6);
});

test('an entry without its bytes, and a folder that cannot be made, cost a bundle and nothing else', async () => {
  const { folder, bundles, bundle, made } = await openCache();
  await bundle();
  const [name = ''] = await readdir(bundles);
  await writeFile(join(bundles, name), '');
  expect([await bundle(), await bundle(), made()]).toEqual(['one', 'one', 2]);
  await rm(bundles, { recursive: true });
  await writeFile(join(folder, 'bundles'), 'a file in its place');
  expect([await bundle(), made()]).toEqual(['one', 3]);
});
