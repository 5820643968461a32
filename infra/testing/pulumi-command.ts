import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The release of the engine that `build-pulumi.ts` builds, that of the SDK. */
export const pulumiVersion = sdkVersion();

/**
 * Where it is built: outside of the repository, in the folder where the user's system keeps what
 * can be made again.
 */
export const pulumiFolder = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'activation-hub',
  `pulumi-${pulumiVersion}`,
);

/**
 * The `pulumi` to test with: what `PULUMI_COMMAND` names, or the one that was built, or the first
 * on the PATH; `undefined` where there is none. Throws when `PULUMI_COMMAND` names something that
 * cannot be run.
 */
export function findPulumi(): string | undefined {
  const named = process.env.PULUMI_COMMAND;
  if (named !== undefined && named !== '') {
    if (canRun(named)) return named;
    throw new Error(`Failed to find Pulumi: PULUMI_COMMAND is ${named}, which cannot be run. Correct it, or unset it.`);
  }
  const built = join(pulumiFolder, 'pulumi');
  return canRun(built) ? built : onPath('pulumi');
}

/** Where the PATH has a command; `undefined` where it has none. */
export function onPath(command: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, command)).find(canRun);
}

export function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function sdkVersion(): string {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
    readonly dependencies: { readonly '@pulumi/pulumi': string };
  };
  return manifest.dependencies['@pulumi/pulumi'];
}
