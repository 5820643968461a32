import { rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { CommandError } from '../../terminal/command-error.ts';
import { followEdits } from './edits.ts';

async function follow(takeUp: (text: string) => Promise<void> = () => Promise.resolve(), text = 'one') {
  const path = join(await temporaryFolder(), 'my.yaml');
  await writeFile(path, text);
  const taken: string[] = [];
  const refused: string[] = [];
  const edits = followEdits({
    path,
    text: 'one',
    lookEveryMs: 20,
    takeUp: async () => {
      const now = readFileSync(path, 'utf8');
      taken.push(now);
      await takeUp(now);
    },
    onRefused: (message) => void refused.push(message),
  });
  onTestFinished(() => edits.stop());
  return { path, taken, refused, edits };
}

test('an edit is taken up, whether an editor writes the file or replaces it', async () => {
  const { path, taken } = await follow();
  await writeFile(path, 'two');
  await expect.poll(() => taken).toEqual(['two']);
  await writeFile(`${path}.new`, 'three');
  await rename(`${path}.new`, path);
  await expect.poll(() => taken).toEqual(['two', 'three']);
});

test('an edit that was made while everything started is taken up too', async () => {
  const { taken } = await follow(() => Promise.resolve(), 'two');
  await expect.poll(() => taken).toEqual(['two']);
});

test('a file that is away for a moment, and one that is written as it was, are no edits', async () => {
  const { path, taken } = await follow();
  await rm(path);
  await writeFile(path, 'one');
  await writeFile(path, 'two');
  await expect.poll(() => taken).toEqual(['two']);
});

test('a refusal is said in the words of the failure, and the next edit is taken up', async () => {
  const { path, taken, refused } = await follow((text) =>
    text === 'wrong' ? Promise.reject(new CommandError(2, 'my.yaml:1:1: it is wrong.')) : Promise.resolve(),
  );
  await writeFile(path, 'wrong');
  await expect.poll(() => refused).toEqual(['my.yaml:1:1: it is wrong.']);
  await writeFile(path, 'right');
  await expect.poll(() => taken).toEqual(['wrong', 'right']);
  expect(refused).toHaveLength(1);
});

test('what is edited while an edit is taken up comes after it, and stopping waits for it', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { path, taken, edits } = await follow((text) => (text === 'two' ? promise : Promise.resolve()));
  await writeFile(path, 'two');
  await expect.poll(() => taken).toEqual(['two']);
  await writeFile(path, 'three');
  let isStopped = false;
  const stopped = edits.stop().then(() => (isStopped = true));
  await new Promise((done) => setImmediate(done));
  expect(isStopped).toBe(false);
  resolve(undefined);
  await stopped;
  expect(taken).toEqual(['two']);
});
