import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { takeDataFolder } from './data-folder.ts';

async function newFolder(): Promise<string> {
  return join(await temporaryFolder(), 'data');
}

test('a folder is held by one at a time and can be taken again', async () => {
  const folder = await newFolder();
  const first = await takeDataFolder(folder, 4);
  await expect(takeDataFolder(folder, 4)).rejects.toMatchObject({ exitCode: 2 });
  await first.release();
  await (await takeDataFolder(folder, 4)).release();
});

test('a folder that is made is for its owner alone, for its events are about people', async () => {
  const folder = await newFolder();
  await (await takeDataFolder(folder, 4)).release();
  // Where a system has no such rights, both are alike.
  const own = await newFolder();
  await mkdir(own, { mode: 0o700 });
  expect((await stat(folder)).mode).toBe((await stat(own)).mode);
});

test('what a killed process left behind is taken over', async () => {
  const folder = await newFolder();
  await (await takeDataFolder(folder, 4)).release();
  await writeFile(join(folder, 'process-id'), '2147483647');
  await (await takeDataFolder(folder, 4)).release();
});

test('another number of partitions is refused, and leaves the folder free', async () => {
  const folder = await newFolder();
  await (await takeDataFolder(folder, 4)).release();
  await expect(takeDataFolder(folder, 2)).rejects.toThrow('Give --partitions 4');
  await (await takeDataFolder(folder, 4)).release();
});

test('a folder that cannot be made is wrong usage', async () => {
  await expect(takeDataFolder(join(import.meta.filename, 'data'), 4)).rejects.toMatchObject({ exitCode: 2 });
});
