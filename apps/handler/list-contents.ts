import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Metafile } from 'esbuild';
import { buildHandler } from './build.ts';
import { packHandler, sha256 } from './pack-handler.ts';

const root = join(import.meta.dirname, '..', '..');

/** A part of a list of CycloneDX 1.5, as far as we look at it. */
export interface Component {
  /** `name@version`. */
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

export interface ContentsList {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: object };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * What is inside a package of the function app: npm's own list of the lockfile (`npm sbom`), of
 * which only the packages are left whose code is in the bundle. Builds and packs the app anew to
 * see which these are. Throws when the new package has another digest, when npm's list lacks one of
 * them, and when there is no package.
 */
export async function listContents(packagePath: string): Promise<ContentsList> {
  const digest = sha256(await readFile(packagePath));
  const temporary = await mkdtemp(join(tmpdir(), 'handler-contents-'));
  try {
    const { folder, outputs } = await buildHandler({
      outputFolder: join(temporary, 'app'),
      mapsFolder: join(temporary, 'maps'),
    });
    const built = await packHandler(folder, join(temporary, 'handler.zip'));
    if (built.digest !== digest) {
      throw new Error(
        `Failed to list the contents: ${packagePath} is another package than these sources make. Build the handler again: npx nx build handler.`,
      );
    }
    return onlyInside(await everyPackage(), await bundledPackages(outputs), digest);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What npm says of every package of the lockfile, whether it is installed or not. */
export async function everyPackage(): Promise<ContentsList> {
  // npm is a script of the shell on Windows.
  const { stdout } = await promisify(execFile)('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  return JSON.parse(stdout) as ContentsList;
}

/**
 * The packages whose files are in the outputs of the bundler, as `name@version` of what is
 * installed, sorted.
 */
export async function bundledPackages(outputs: Metafile['outputs']): Promise<readonly string[]> {
  const paths = Object.values(outputs).flatMap(({ inputs }) =>
    // What esbuild has left nothing of is not inside.
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = new Set(paths.filter((path) => path.includes('node_modules/')).map(packageFolder));
  const names = [...folders].map(async (folder) => {
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, folder, 'package.json'), 'utf8')) as Component;
    return `${manifest.name}@${manifest.version}`;
  });
  return [...new Set(await Promise.all(names))].sort();
}

/** `node_modules/a/node_modules/@b/c` of a file in it. */
function packageFolder(path: string): string {
  const end = path.lastIndexOf('node_modules/') + 'node_modules/'.length;
  const [scopeOrName = '', name = ''] = path.slice(end).split('/');
  return path.slice(0, end) + (scopeOrName.startsWith('@') ? `${scopeOrName}/${name}` : scopeOrName);
}

function onlyInside(list: ContentsList, inside: readonly string[], digest: string): ContentsList {
  const components = list.components.filter((component) => inside.includes(component['bom-ref']));
  const listed = new Set(components.map((component) => component['bom-ref']));
  const missing = inside.filter((name) => !listed.has(name));
  if (missing.length > 0) throw new Error(`Failed to list the contents: npm sbom does not have ${missing.join(', ')}.`);
  const component = {
    'bom-ref': 'activation-hub-handler',
    type: 'application',
    name: 'activation-hub-handler',
    hashes: [{ alg: 'SHA-256', content: digest }],
  };
  const dependencies = list.dependencies
    .filter(({ ref }) => listed.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((name) => listed.has(name)) }));
  return {
    ...list,
    metadata: { ...list.metadata, component },
    components,
    dependencies: [{ ref: component['bom-ref'], dependsOn: [...listed] }, ...dependencies],
  };
}
