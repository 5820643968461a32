import { createHash } from 'node:crypto';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { zipSync, type Zippable } from 'fflate';

export interface HandlerPackage {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
}

/**
 * Packs a folder that `buildHandler` made into one zip, as Azure's One Deploy takes it: the
 * folder's files at its root. The same files make the same bytes, at any time and on any machine:
 * the order, the times and the rights in it are fixed, and the compression is JavaScript of a fixed
 * version, not the zlib of whichever Node runs.
 */
export async function packHandler(folder: string, path: string): Promise<HandlerPackage> {
  const files: Zippable = {};
  for (const name of await filesOf(folder)) files[name] = await readFile(join(folder, name));
  // Zip knows local times only, and begins in 1980. Regular files of Unix, readable by all and
  // executable by none.
  const zip = zipSync(files, { level: 9, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o100644 << 16 });
  await writeFile(path, zip);
  return { path, bytes: zip.byteLength, digest: sha256(zip) };
}

/**
 * SHA-256, in hex, of all files of a folder and their names, but for `package.json`, which says it:
 * so that an app can tell which build it is.
 */
export async function contentsDigest(folder: string): Promise<string> {
  const names = (await filesOf(folder)).filter((name) => name !== 'package.json');
  const lines = await Promise.all(
    names.map(async (name) => `${sha256(await readFile(join(folder, name)))}  ${name}\n`),
  );
  return sha256(lines.join(''));
}

/** Paths in the folder, with slashes, in the order of their bytes. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(glob('**', { cwd: folder, withFileTypes: true }));
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    )
    .sort();
}

/** In hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
