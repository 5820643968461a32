import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { parse, stringify } from 'yaml';
import { projectFolders, repositoryFiles, root } from './repository.ts';

/**
 * Makes a checkout in an empty folder: every file as it is here, the dependencies by links, the
 * projects those of the copy.
 */
export function copyCheckout(folder: string): void {
  copyFiles(folder);
  linkDependencies(folder);
}

/** Copies text files as they are here, all of them unless some are left out. */
export function copyFiles(folder: string, isWanted: (path: string) => boolean = () => true): void {
  for (const { path } of repositoryFiles().filter((file) => isWanted(file.path)))
    cpSync(join(root, path), join(folder, path));
}

/** Gives a checkout the dependencies of this one, by links, and its own projects. */
export function linkDependencies(folder: string): void {
  for (const project of ['.', ...projectFolders()]) {
    const modules = join(root, project, 'node_modules');
    if (existsSync(modules)) linkModules(modules, join(folder, project, 'node_modules'), folder);
  }
}

/** Links each package to that of this repository, and each project to that of the copy. */
function linkModules(from: string, to: string, copy: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from)) {
    if (entry.startsWith('.') && entry !== '.bin') continue;
    if (entry === '@activation-hub') linkProjects(join(from, entry), join(to, entry), copy);
    // Windows lets every user make a junction, but only some a symbolic link.
    else symlinkSync(join(from, entry), join(to, entry), 'junction');
  }
}

function linkProjects(from: string, to: string, copy: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    symlinkSync(join(copy, relative(realpathSync(root), realpathSync(join(from, name)))), join(to, name), 'junction');
}

/**
 * Writes what an operator has after sections 2 and 3 of docs/operating/deploy.md: audiences and
 * destinations of their own, and a stack's file as `pulumi config set` leaves it: indented by its
 * taste, numbers and flags in quotes, secrets encrypted.
 */
export function becomeOperator(checkout: string): void {
  const own: Readonly<Record<string, unknown>> = {
    location: 'germanywestcentral',
    workload: 'contoso',
    partitionCount: '6',
    privateNetwork: 'true',
    'secret-erp-key': { secure: 'v1:AAAA:BBBB' },
  };
  const fixture = join(checkout, 'infra', 'fixtures', 'stacks', 'dev.yaml');
  const { config } = parse(readFileSync(fixture, 'utf8')) as { readonly config: Readonly<Record<string, unknown>> };
  const named = Object.fromEntries(Object.entries(own).map(([key, value]) => [`activation-hub:${key}`, value]));
  const head = 'secretsprovider: azurekeyvault://kv.vault.azure.net/keys/pulumi-dev/1\nencryptedkey: AAAA\n';
  const body = stringify({ config: { ...config, ...named } }, { indent: 4, defaultStringType: 'QUOTE_DOUBLE' });
  writeFileSync(join(checkout, 'infra', 'Pulumi.dev.yaml'), `${head}${body}`);
  writeFileSync(
    join(checkout, 'apps', 'handler', 'activations', 'dev.yaml'),
    `version: 1
destinations:
  erp: { type: webhook, settings: { url: https://erp.contoso.com/hook, signingSecret: { secret: erp-key } } }
audiences:
  loyal-customers: { id: 7a52-own, activate: [{ destination: erp, identity: [loyaltyid], attributes: { city: homeAddress.city } }] }
`,
  );
}

/**
 * What a source says that names an operator's file: the folder of activation files, or the
 * configuration of a stack.
 */
const names = /handler['/, ]+activations\b|\bactivations\/\*|Pulumi\\?\.(?:\$\{|\(|\*|dev\b|staging\b|prod\b)/;

/**
 * The tests of a project that an operator's file may change: those that name one, or import,
 * however far away, what names one. By their paths inside the project.
 */
export async function testsThatReadOperatorFiles(checkout: string, project: string): Promise<readonly string[]> {
  const tests = repositoryFiles()
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${project}/`) && path.endsWith('.test.ts'));
  const { metafile } = await build({
    absWorkingDir: checkout,
    entryPoints: [...tests],
    outdir: join(checkout, 'bundled'),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const readers = Object.values(metafile.outputs).flatMap(({ entryPoint, inputs }) => {
    const reached = Object.keys(inputs).map((input) => readFileSync(join(checkout, input), 'utf8'));
    return entryPoint !== undefined && reached.some((text) => names.test(text)) ? [entryPoint] : [];
  });
  return readers.map((path) => path.slice(project.length + 1)).sort();
}
