import { glob, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtPage, gzippedBytes, gzippedBytesMax } from '../build.ts';

test('the page is at most 400 kB gzipped, and the second time it is there already', async () => {
  const folder = await builtPage();
  expect(await gzippedBytes(folder)).toBeLessThan(gzippedBytesMax);
  const built = await stat(join(folder, 'index.html'));
  expect(await builtPage()).toBe(folder);
  const { ino, mtimeMs } = await stat(join(folder, 'index.html'));
  expect({ ino, mtimeMs }).toEqual({ ino: built.ino, mtimeMs: built.mtimeMs });
});

test('it is built for production whatever the environment says, and has no script in its HTML', async () => {
  expect(process.env.NODE_ENV).toBe('test');
  const folder = await builtPage();
  expect(await readFile(join(folder, 'index.html'), 'utf8')).not.toMatch(/<script(?![^>]*\bsrc=)|\sstyle=/);
  for await (const name of glob('assets/*.js', { cwd: folder })) {
    const script = await readFile(join(folder, name), 'utf8');
    expect(script.includes('jsxDEV'), `${name} holds React's development build`).toBe(false);
  }
});
