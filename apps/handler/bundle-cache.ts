import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Metafile } from 'esbuild';

/** What a bundler made. */
export interface Bundle {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly outputs: Metafile['outputs'];
}

interface Entry {
  /** Absolute paths. */
  readonly inputs: readonly string[];
  /** Of the names and the bytes of the inputs. */
  readonly digest: string;
  readonly bundle: Bundle;
}

/** A bundle with the absolute paths of the files that the bundler read. */
export interface MadeBundle {
  readonly bundle: Bundle;
  readonly inputs: readonly string[];
}

export interface CacheOptions {
  /** What else than files the bundle is made of, as JSON. */
  readonly settings: unknown;
  /** Absolute paths of further files on which it depends. */
  readonly besides: readonly string[];
  /** Epoch milliseconds; `Date.now` by default. */
  readonly now?: () => number;
}

/** Another one whenever `Entry` changes. */
const entryVersion = 1;
/** So many entries stay: a few versions of the sources, with the packages of a few files. */
const entriesMax = 4;
/** The file system's clock may be so much behind that of the process, in milliseconds. */
const clockStepMs = 20;

/**
 * Gives the bundle that was made of the very same inputs before, or makes it and keeps it.
 *
 * An entry is one file, named after `settings`, with the digest of every input, of each
 * package.json and tsconfig.json above it, and of `besides`. Where one of them has changed or is
 * gone, the bundle is made anew. An entry is renamed into its place, so that several processes may
 * use a folder at once. Where the folder cannot be written, nothing is kept. Throws what `make`
 * throws.
 */
export async function cachedBundle(
  folder: string,
  { settings, besides, now = Date.now }: CacheOptions,
  make: () => Promise<MadeBundle>,
): Promise<Bundle> {
  const name = createHash('sha256').update(JSON.stringify({ entryVersion, settings })).digest('hex');
  const path = join(folder, `${name}.json`);
  const kept = await readEntry(path);
  if (kept !== undefined) return kept;
  const beganMs = now();
  const { bundle, inputs: read } = await make();
  const inputs = [...new Set([...read, ...settingsAbove(read), ...besides])].sort();
  // What was written meanwhile is perhaps not what the bundler read.
  const digest = (await areOlderThan(beganMs - clockStepMs, inputs)) ? await digestOf(inputs) : undefined;
  if (digest !== undefined) await keepEntry(path, { inputs, digest, bundle });
  return bundle;
}

async function readEntry(path: string): Promise<Bundle | undefined> {
  const entry = await unlessAbsent(readFile(path, 'utf8'));
  // A machine that lost its power may have left the name of a file without its bytes.
  if (entry?.endsWith('}') !== true) return undefined;
  const { inputs, digest, bundle } = JSON.parse(entry) as Entry;
  if ((await digestOf(inputs)) !== digest) return undefined;
  const now = new Date();
  // Another process may have removed it as the oldest.
  await unlessAbsent(utimes(path, now, now));
  return bundle;
}

/** Undefined when an input is not there. */
async function digestOf(inputs: readonly string[]): Promise<string | undefined> {
  const contents = await Promise.all(inputs.map((input) => unlessAbsent(readFile(input))));
  const hash = createHash('sha256');
  for (const [index, bytes] of contents.entries()) {
    if (bytes === undefined) return undefined;
    hash.update(`${inputs[index] ?? ''}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

async function areOlderThan(timeMs: number, inputs: readonly string[]): Promise<boolean> {
  for (const input of inputs) {
    const stats = await unlessAbsent(stat(input));
    if (stats === undefined || stats.ctimeMs > timeMs) return false;
  }
  return true;
}

async function keepEntry(path: string, entry: Entry): Promise<void> {
  const folder = dirname(path);
  const part = `${path}.${randomUUID()}.part`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(part, JSON.stringify(entry));
    await rename(part, path);
    await removeOldest(folder);
  } catch (error) {
    // A folder that is not ours to write, a full disk, an entry that Windows holds open: the next
    // start builds again.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    await unlessAbsent(rm(part));
  }
}

/** Entries, and what a killed process left of one, beyond the newest. */
async function removeOldest(folder: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      return { path, usedMs: (await unlessAbsent(stat(path)))?.mtimeMs ?? 0 };
    }),
  );
  found.sort((left, right) => right.usedMs - left.usedMs);
  for (const { path } of found.slice(entriesMax)) await rm(path, { force: true });
}

/** Each package.json and tsconfig.json above files: they say how these are resolved and read. */
function settingsAbove(files: readonly string[]): readonly string[] {
  const known = new Map<string, readonly string[]>();
  const settingsOf = (folder: string): readonly string[] => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const here = ['package.json', 'tsconfig.json'].map((name) => join(folder, name)).filter((path) => existsSync(path));
    const found = folder === dirname(folder) ? here : [...here, ...settingsOf(dirname(folder))];
    known.set(folder, found);
    return found;
  };
  return files.flatMap((file) => settingsOf(dirname(file)));
}

async function unlessAbsent<Result>(found: Promise<Result>): Promise<Result | undefined> {
  try {
    return await found;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
