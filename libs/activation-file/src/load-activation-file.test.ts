import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { exampleDestinations as destinations } from '../testing/example-destinations.ts';
import { loadActivationFile } from './load-activation-file.ts';
import { ActivationFileError } from './problem.ts';

const folder = mkdtempSync(join(tmpdir(), 'activation-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const full = fileURLToPath(new URL('../fixtures/full.yaml', import.meta.url));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('a file is loaded, again as the first time', async () => {
  const first = await loadActivationFile(full, { destinations });
  expect(first.routes).toHaveLength(4);
  expect(await loadActivationFile(full, { destinations })).toEqual(first);
});

test('problems have the name that is asked for, or else the path', async () => {
  const path = write('empty.yaml', '');
  await expect(loadActivationFile(path, { destinations })).rejects.toThrow(`${path}:1:1: The file is empty.`);
  await expect(loadActivationFile(path, { destinations, fileName: 'dev.yaml' })).rejects.toThrow(/^dev\.yaml:1:1: /);
});

test('a file that is absent, a folder or no text is a problem like any other', async () => {
  const load = async (path: string): Promise<unknown> => {
    const failure: unknown = await loadActivationFile(path, { destinations, fileName: 'dev.yaml' }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ActivationFileError);
    return String(failure);
  };
  expect(await load(join(folder, 'absent.yaml'))).toBe(
    'ActivationFileError: dev.yaml:1:1: There is no such file. Check the path, and the folder that it starts from.',
  );
  expect(await load(join(write('a-file', ''), 'dev.yaml'))).toMatch(/a part of the path is a file/);
  expect(await load(folder)).toMatch(/This is a folder/);
  expect(await load(write('latin-1.yaml', Uint8Array.of(0x76, 0xe9, 0x3a)))).toMatch(/not UTF-8/);
});

test('reading ends when the signal says so', async () => {
  const signal = AbortSignal.abort();
  await expect(loadActivationFile(full, { destinations, signal })).rejects.toThrow(/abort/);
});
