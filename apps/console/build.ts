import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { glob, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

const root = import.meta.dirname;
/** Has a folder for each state of the sources from which the page was built. */
const pagesFolder = join(root, 'dist', 'page');
/** All files that a browser loads, compressed; more is refused. */
export const gzippedBytesMax = 400_000;
/** A page of other sources is kept so long, for a process that serves it may still run. */
const keepMs = 24 * 3_600_000;

/**
 * Gives the folder of the built page, and builds it when there is none of these sources: that takes
 * a second or two, and happens once. Several processes may ask at once. Throws when the sources
 * cannot be built, or make a page of more than 400 kB.
 */
export async function builtPage(): Promise<string> {
  const folder = join(pagesFolder, await sourcesDigest());
  if (existsSync(join(folder, 'index.html'))) return folder;
  // By a process of its own, which is told that it builds for production: React and Vite ask the
  // environment, whatever that is here.
  const environment = { ...process.env, NODE_ENV: 'production' };
  const child = spawn(process.execPath, [import.meta.filename], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`Failed to build the console: ${said.trim()}`);
  return folder;
}

async function buildInto(folder: string): Promise<void> {
  await mkdir(pagesFolder, { recursive: true });
  const building = join(pagesFolder, `building-${process.pid}`);
  await buildPage(building);
  // Another process may have been faster; its page is the same.
  await rename(building, folder).catch(() => rm(building, { recursive: true, force: true }));
  await removeOldPages();
}

async function buildPage(outDir: string): Promise<void> {
  // Loaded only for a build: it takes longer than everything else here.
  const { build } = await import('vite');
  await build({
    root,
    configFile: false,
    envDir: false,
    // What warns is in packages that we do not write.
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
    },
  });
  const bytes = await gzippedBytes(outDir);
  if (bytes <= gzippedBytesMax) return;
  await rm(outDir, { recursive: true, force: true });
  throw new Error(
    `The page has ${bytes} bytes gzipped, of ${gzippedBytesMax} at most. Take out what is large and rarely used.`,
  );
}

/** How many bytes a browser loads, with every file compressed. */
export async function gzippedBytes(folder: string): Promise<number> {
  let bytes = 0;
  for await (const name of glob('{index.html,assets/*}', { cwd: folder }))
    bytes += gzipSync(await readFile(join(folder, name))).byteLength;
  return bytes;
}

/** Of everything from which the page is made; what is installed is told by the lockfile. */
async function sourcesDigest(): Promise<string> {
  const names: string[] = [];
  for await (const name of glob(['index.html', 'build.ts', 'package.json', 'public/*', 'src/**/*.*'], { cwd: root }))
    names.push(name);
  const hash = createHash('sha256');
  for (const name of [...names.sort(), '../../package-lock.json'])
    hash.update(`${name}\n`).update(await readFile(join(root, name)));
  return hash.digest('hex').slice(0, 16);
}

async function removeOldPages(): Promise<void> {
  const before = Date.now() - keepMs;
  for (const name of await readdir(pagesFolder)) {
    const folder = join(pagesFolder, name);
    if ((await stat(folder)).mtimeMs < before) await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  process.env.NODE_ENV = 'production';
  const folder = join(pagesFolder, await sourcesDigest());
  if (!existsSync(join(folder, 'index.html'))) await buildInto(folder);
  process.stdout.write(`${folder}: ${await gzippedBytes(folder)} bytes gzipped, of ${gzippedBytesMax} at most\n`);
}
