import { existsSync } from 'node:fs';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadActivationFile, typesNamed } from '@activation-hub/activation-file';
import { writeChecked } from '@activation-hub/activation-file/checked';
import { destinationPackage, destinationTypes, howToInstall, loadDestinations } from '@activation-hub/destinations';
import { build, type BuildOptions as EsbuildOptions, type Metafile, type Plugin } from 'esbuild';
import { cachedBundle, type Bundle, type MadeBundle } from './bundle-cache.ts';
import { contentsDigest, packHandler, sha256 } from './pack-handler.ts';
import { checkedFilesName } from './src/configuration.ts';

const appFolder = import.meta.dirname;
const deployedFolder = join(appFolder, 'dist', 'app');

/** How an app is bundled that the Node worker of Azure Functions can load. */
export const forTheWorker = {
  bundle: true,
  platform: 'node',
  // Of ES modules only what is used comes along; packages that have both name CommonJS as `main`.
  mainFields: ['module', 'main'],
  target: 'node24',
  format: 'esm',
  // What is bundled and written as CommonJS asks for Node's own modules by `require`, and so for
  // what the worker provides.
  banner: {
    js: "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);",
  },
  // The worker provides it at run time; the worker would not see the functions that a copy in the
  // bundle registers.
  external: ['@azure/functions-core'],
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
} satisfies EsbuildOptions;

export interface BuildOptions {
  /** Made anew. */
  readonly outputFolder?: string;
  /**
   * Where source maps go, each as far below it as its file is below the output; made anew. By
   * default beside the files, for a debugger.
   */
  readonly mapsFolder?: string;
  /**
   * Absolute paths of activation files besides those of the app; the packages that they name are in
   * the bundle too.
   */
  readonly activationFiles?: readonly string[];
  /**
   * Where bundles are kept, and taken from when each input is as it was. Without it everything is
   * bundled anew, as what is deployed is.
   */
  readonly bundlesFolder?: string;
}

export interface BuiltHandler {
  readonly folder: string;
  /**
   * What esbuild says of each file: what is in it, and which others it loads, at the start or
   * later.
   */
  readonly outputs: Metafile['outputs'];
}

/**
 * Bundles the function app into a folder that can be deployed as it is: `host.json`,
 * `package.json`, `main.mjs`, one file in `connectors` for each connector, the `chunks` that these
 * share, and the activation files with what they were found to say. A connector is loaded when the
 * activation file names it. The same sources make the same bytes on every machine. Source maps in a
 * folder elsewhere than beside `dist/app` also say where the sources are. Takes some hundred
 * milliseconds. Throws when an activation file is wrong or names a package that is not installed.
 */
export async function buildHandler({
  outputFolder = deployedFolder,
  mapsFolder = outputFolder,
  activationFiles = [],
  bundlesFolder,
}: BuildOptions = {}): Promise<BuiltHandler> {
  const files = [...(await ownActivationFiles()), ...activationFiles];
  const packages = await packagesNamed(files);
  const checked = await checkedFiles(files);
  for (const folder of new Set([outputFolder, mapsFolder])) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  }
  const make = (): Promise<MadeBundle> => bundle(packages);
  const { files: made, outputs } =
    bundlesFolder === undefined
      ? (await make()).bundle
      : await cachedBundle(bundlesFolder, { settings: { packages }, besides: bundlerFiles() }, make);
  await Promise.all(made.map((file) => writeOutput(file, file.path.endsWith('.map') ? mapsFolder : outputFolder)));
  await cp(join(appFolder, 'host.json'), join(outputFolder, 'host.json'));
  await cp(join(appFolder, 'activations'), join(outputFolder, 'activations'), {
    recursive: true,
    filter: (path) => !path.endsWith('.md'),
  });
  await writeFile(join(outputFolder, 'activations', checkedFilesName), JSON.stringify(checked));
  const manifest = {
    name: 'activation-hub-handler',
    version: '0.1.0',
    private: true,
    type: 'module',
    main: 'main.mjs',
    /** What `/health` says: which build this is. */
    contents: await contentsDigest(outputFolder),
  };
  await writeFile(join(outputFolder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return { folder: outputFolder, outputs };
}

async function bundle(packages: readonly string[]): Promise<MadeBundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: appFolder,
    entryPoints: { main: join('src', 'main.ts'), ...connectors() },
    // The names of chunks depend on the folder, by way of the source maps: so it is always the
    // same, whatever we write to.
    outdir: deployedFolder,
    write: false,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    ...forTheWorker,
    splitting: true,
    plugins: [destinationPackages(packages), englishOnly, ownReceiversOnly, builtinsByRequire],
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
    metafile: true,
  });
  const files = outputFiles.map(({ path, text }) => ({ path, text }));
  // What a plugin makes has a namespace before its name, and no file.
  const inputs = Object.keys(metafile.inputs).map((path) => join(appFolder, path));
  return { bundle: { files, outputs: metafile.outputs }, inputs: inputs.filter((path) => existsSync(path)) };
}

/** On what a bundle depends besides what the bundler reads and the settings beside that. */
function bundlerFiles(): readonly string[] {
  const root = join(appFolder, '..', '..');
  const files = [
    import.meta.filename,
    fileURLToPath(import.meta.resolve('./bundle-cache.ts')),
    fileURLToPath(import.meta.resolve('esbuild/package.json')),
    join(root, 'package-lock.json'),
    join(root, 'tsconfig.base.json'),
  ];
  return files.filter((path) => existsSync(path));
}

async function writeOutput({ path, text }: Bundle['files'][number], folder: string): Promise<void> {
  const target = join(folder, relative(deployedFolder, path));
  await mkdir(dirname(target), { recursive: true });
  const findsSources = !path.endsWith('.map') || dirname(folder) === dirname(deployedFolder);
  await writeFile(target, findsSources ? text : withSourceRoot(text, dirname(path)));
}

/** A source map that says what its relative paths start from: the folder for which it was made. */
function withSourceRoot(map: string, folder: string): string {
  return JSON.stringify({ ...(JSON.parse(map) as object), sourceRoot: `${folder}/` });
}

/**
 * The file of each connector, by the name that it gets: what is imported as the app runs stays a
 * file of its own.
 */
function connectors(): Readonly<Record<string, string>> {
  const registry = import.meta.resolve('@activation-hub/destinations');
  const fileOf = (type: string) => fileURLToPath(new URL(`./${type}/destination.ts`, registry));
  return Object.fromEntries(destinationTypes.map((type) => [`connectors/${type}`, fileOf(type)]));
}

async function ownActivationFiles(): Promise<readonly string[]> {
  const found = await Array.fromAsync(glob('activations/*.yaml', { cwd: appFolder }));
  return found.sort().map((path) => join(appFolder, path));
}

/**
 * What these files say, as JSON, by the SHA-256 of their bytes: so that the start finds what the
 * build has checked, and has to load neither the parser nor the kinds of destinations. Throws
 * `ActivationFileError` for a file that is wrong.
 */
async function checkedFiles(files: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const checked: Record<string, string> = {};
  for (const path of files) {
    const form = writeChecked(await loadActivationFile(path, { destinations: (types) => loadDestinations(types) }));
    if (form !== undefined) checked[sha256(await readFile(path))] = form;
  }
  return checked;
}

/**
 * The packages that these files name as the type of a destination, by name, each checked to be
 * installed.
 */
async function packagesNamed(files: readonly string[]): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const file of files) {
    for (const type of typesNamed(await readFile(file, 'utf8'))) {
      const name = destinationPackage(type);
      if (name === undefined) continue;
      requireInstalled(type, name, file);
      names.add(name);
    }
  }
  return [...names].sort();
}

function requireInstalled(type: string, name: string, file: string): void {
  const refuse = (cause?: unknown) =>
    new Error(`Failed to build the handler: ${file} names the destination ${type}, and ${howToInstall(type)}`, {
      cause,
    });
  let address: string;
  try {
    address = import.meta.resolve(name);
  } catch (error) {
    throw refuse(error);
  }
  // A pattern of `exports` resolves to a file that need not be there.
  if (!existsSync(fileURLToPath(address))) throw refuse();
}

/**
 * Puts packages into the bundle where `src/destination-packages.ts` would look for them as the app
 * runs.
 */
function destinationPackages(names: readonly string[]): Plugin {
  const loaders = names.map((name) => `${JSON.stringify(name)}: () => import(${JSON.stringify(name)})`);
  const contents = `
const packages = { ${loaders.join(', ')} };
export const importPackage = async (name) => {
  if (Object.hasOwn(packages, name)) return packages[name]();
  throw new Error('it is not in this build, because no activation file named it then: build the handler again');
};`;
  return {
    name: 'destination-packages',
    setup: (bundler) => {
      bundler.onLoad({ filter: /[\\/]destination-packages\.ts$/ }, () => ({
        contents,
        loader: 'js',
        resolveDir: appFolder,
      }));
    },
  };
}

/**
 * Leaves out the sentences of zod in forty other languages, which nothing here asks for and
 * `export { z }` would keep.
 */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: (bundler) => {
    bundler.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/**
 * Azure's exporter asks Microsoft every hour for other settings. Here it keeps the settings that
 * this build was tested with, and calls only the receiver that the settings name.
 */
const ownReceiversOnly: Plugin = {
  name: 'own-receivers-only',
  setup: (bundler) => {
    bundler.onLoad({ filter: /monitor-opentelemetry-exporter[\\/].*[\\/]configurationWorker\.js$/ }, () => ({
      contents: 'export class ConfigurationWorker { shutdown() {} }',
      loader: 'js',
    }));
  },
};

/**
 * Takes Node's own modules by `require`. An `import` of one reads every export that it has, and so
 * runs what is behind their getters: that of `node:http` loads Node's copy of undici with HTTP/2,
 * that of `node:crypto` WebCrypto.
 */
const builtinsByRequire: Plugin = {
  name: 'builtins-by-require',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path)
        ? { path, namespace: 'node-builtin', sideEffects: false }
        : undefined,
    );
    bundler.onLoad({ filter: /./, namespace: 'node-builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};

if (import.meta.main) {
  const mapsFolder = join(appFolder, 'dist', 'maps');
  const { folder } = await buildHandler({ mapsFolder });
  const { path, bytes, digest } = await packHandler(folder, join(appFolder, 'dist', 'handler.zip'));
  const contents = await contentsDigest(folder);
  // What the pipeline compares: the package with `digest`, and what `/health` says with `contents`.
  await writeFile(join(appFolder, 'dist', 'handler.json'), `${JSON.stringify({ digest, contents })}\n`);
  process.stdout.write(`Built ${folder}, with its source maps in ${mapsFolder}\n`);
  process.stdout.write(`Packed ${path}, ${bytes} bytes\n  sha256 ${digest}\n  contents ${contents}\n`);
}
