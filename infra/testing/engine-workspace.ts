import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, stringify } from 'yaml';
import { canRun, onPath } from './pulumi-command.ts';
import { fixtureActivations } from './fixture-stacks.ts';

export interface WorkspaceOptions {
  readonly stack: string;
  /** The program's file; by default the product's own, with the activation files of `fixtures`. */
  readonly program?: string;
  /** Variables that the program and the plugins see beside those of the engine. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A folder in which a stack of the real engine lives. */
export interface Workspace {
  readonly folder: string;
  readonly azureFolder: string;
  readonly stateFolder: string;
  readonly configurationFile: string;
  /** The project's name, as `Pulumi.yaml` says. */
  readonly project: string;
  /**
   * The whole environment of the engine: of the user's nothing but the PATH and the folder in which
   * Node keeps what it compiled, and so no credentials.
   */
  readonly variables: Readonly<Record<string, string>>;
}

const infraFolder = join(import.meta.dirname, '..');

/**
 * What spares the processes of a run, of which each loads the SDK anew, a third of their time: the
 * compiled code that the tests keep, where they keep it, and no stack for each of the SDK's
 * promises, which it writes down (runtime/debuggable.js) and maps to sources. Where the program
 * throws, `index.test.ts` shows its stack.
 */
const quickStart: Readonly<Record<string, string>> = {
  NODE_OPTIONS: '--stack-trace-limit=0',
  ...(process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
};

/**
 * Makes the folder: the product's `Pulumi.yaml` (only its paths made absolute), a place for the
 * state, and a PATH on which the engine finds azure-native offline, and a language host where none
 * is installed.
 */
export function makeWorkspace(pulumi: string, options: WorkspaceOptions): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'engine-stack-'));
  const [azureFolder, stateFolder, pluginFolder, homeFolder] = ['azure', 'state', 'plugins', 'home'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  for (const inner of [azureFolder, stateFolder, pluginFolder, homeFolder]) mkdirSync(inner);

  writeLauncher(
    pluginFolder,
    'pulumi-resource-azure-native',
    join(import.meta.dirname, 'offline-azure-plugin.ts'),
    azureFolder,
  );
  if (!hasLanguageHost(pulumi)) {
    writeLauncher(pluginFolder, 'pulumi-language-nodejs', join(import.meta.dirname, 'language-host.ts'));
  }
  return {
    folder,
    azureFolder,
    stateFolder,
    configurationFile: join(folder, `Pulumi.${options.stack}.yaml`),
    project: writeProject(folder, options.program),
    variables: {
      PATH: [pluginFolder, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
      HOME: homeFolder,
      PULUMI_HOME: homeFolder,
      PULUMI_BACKEND_URL: pathToFileURL(stateFolder).href,
      PULUMI_CONFIG_PASSPHRASE: 'a passphrase for tests',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      // With this the commands have the option --event-log; the Automation API sets it for the same
      // reason.
      PULUMI_DEBUG_COMMANDS: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      NO_COLOR: '1',
      ...quickStart,
      ACTIVATIONS_FOLDER: fixtureActivations,
      ...options.variables,
    },
  };
}

/**
 * Whether Pulumi's own language host is installed, beside Pulumi or on the PATH, so that nothing
 * has to stand in for it.
 */
export function hasLanguageHost(pulumi: string): boolean {
  return canRun(join(dirname(pulumi), 'pulumi-language-nodejs')) || onPath('pulumi-language-nodejs') !== undefined;
}

/** Sets values in the stack's configuration file; the engine's own entries stay. */
export function writeConfiguration(workspace: Workspace, values: Readonly<Record<string, unknown>>): void {
  const file = parse(readFileSync(workspace.configurationFile, 'utf8')) as {
    readonly config?: Record<string, unknown>;
  };
  const own = Object.entries(values).map(([key, value]) => [`${workspace.project}:${key}`, value] as const);
  const config = { ...file.config, ...Object.fromEntries(own) };
  writeFileSync(workspace.configurationFile, yamlOf({ ...file, config }));
}

/** What is read of `Pulumi.yaml`. */
interface Project {
  readonly name: string;
  readonly plugins?: Readonly<Record<string, readonly { readonly name: string; readonly path: string }[]>>;
}

/**
 * Text in quotes, as the engine writes it too: where it has none, the engine takes a date for a
 * point in time.
 */
function yamlOf(value: unknown): string {
  return stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });
}

function writeProject(folder: string, program: string | undefined): string {
  const project = parse(readFileSync(join(infraFolder, 'Pulumi.yaml'), 'utf8')) as Project;
  const plugins = Object.entries(project.plugins ?? {}).map(
    ([kind, listed]) => [kind, listed.map((one) => ({ ...one, path: resolve(infraFolder, one.path) }))] as const,
  );
  const main = program ?? join(import.meta.dirname, 'programs', 'activations-elsewhere.ts');
  writeFileSync(
    join(folder, 'Pulumi.yaml'),
    yamlOf({ ...project, main, ...(plugins.length > 0 ? { plugins: Object.fromEntries(plugins) } : {}) }),
  );
  return project.name;
}

/**
 * The engine starts plugins by name; this Node runs their file, so that a test does not depend on
 * another one.
 */
function writeLauncher(folder: string, name: string, ...command: readonly string[]): void {
  const file = join(folder, name);
  const words = [process.execPath, ...command].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  writeFileSync(file, `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(file, 0o755);
}
