import { resolve } from 'node:path';
import {
  ActivationFileError,
  loadActivationFile,
  problemLine,
  secretNames,
  type ActivationFile,
} from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { DestinationPackageError, loadDestinations } from '@activation-hub/destinations';
import { secretVariable } from '@activation-hub/handler-contract';
import { CommandError } from '../terminal/command-error.ts';
import { chooseActivationFile, type ActivationFileOptions } from './activation-file-options.ts';
import type { TenantOptions } from '../traffic/tenant-options.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * Loads an activation file with the destinations that this installation has. Throws `CommandError`
 * (2) with every problem.
 */
export async function loadActivations(path: string, { folder }: Terminal): Promise<ActivationFile> {
  try {
    const destinations = (types: readonly string[]) => loadDestinations(types);
    return await loadActivationFile(resolve(folder, path), {
      destinations,
      fileName: path,
      nowMs: systemClock.now(),
    });
  } catch (error) {
    if (error instanceof DestinationPackageError)
      throw new CommandError(2, `${path}: ${error.message}`, { cause: error });
    if (!(error instanceof ActivationFileError)) throw error;
    const { problems, warnings } = error;
    const summary = `Failed to accept ${path}. Correct ${problems.length === 1 ? 'this problem' : `these ${problems.length} problems`}:`;
    throw new CommandError(2, [summary, ...problems.map(problemLine)].join('\n'), {
      cause: error,
      details: { problems, warnings },
    });
  }
}

/**
 * Loads the activation file that the options name, or the one of their environment. Throws
 * `CommandError` (2) when nothing says which file, and with every problem of it.
 */
export async function loadChosenActivations(
  options: ActivationFileOptions,
  terminal: Terminal,
): Promise<{ readonly file: ActivationFile; readonly path: string }> {
  const { path } = chooseActivationFile(options, terminal);
  return { file: await loadActivations(path, terminal), path };
}

/**
 * The variables of all secrets that the file names. Throws `CommandError` (2) that names every one
 * that is not set.
 */
export function readSecretVariables(
  file: ActivationFile,
  environment: Terminal['environment'],
): Readonly<Record<string, string>> {
  const variables = secretNames(file).map(secretVariable);
  const missing = variables.filter((variable) => (environment[variable] ?? '') === '');
  if (missing.length > 0) {
    throw new CommandError(
      2,
      `Failed to find secrets of the activation file: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set. Set ${missing.length === 1 ? 'it' : 'them'} in the environment, or in a file .env in the folder of the command.`,
      { details: { missing } },
    );
  }
  return Object.fromEntries(variables.map((variable) => [variable, environment[variable] ?? '']));
}

/**
 * A tenant whose dataflow exports what the file asks for. Throws `CommandError` (2) when the file
 * has no audience.
 */
export function tenantOptions(
  file: ActivationFile,
  { seed, profiles }: Pick<TenantOptions, 'seed' | 'profiles'>,
): TenantOptions {
  const audiences = [...file.audiences.values()];
  if (audiences.length === 0) {
    throw new CommandError(2, 'Failed to simulate: the activation file has no audience. Add one under audiences.');
  }
  const consents = unique(audiences.flatMap(({ consentPath }) => (consentPath ? [consentPath.join('.')] : [])));
  const mapped = unique(file.routes.flatMap(({ attributes }) => attributes.map(({ path }) => path.join('.'))));
  return {
    seed,
    profiles,
    audiences: audiences.map(({ namespace, id, name, key }) => ({ namespace, id, name: name ?? key })),
    namespaces: unique(file.routes.flatMap(({ identityNamespaces }) => identityNamespaces)),
    attributes: mapped.filter((path) => !consents.includes(path)),
    consents,
  };
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)];
}
