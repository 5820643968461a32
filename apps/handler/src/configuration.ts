import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ActivationFile } from '@activation-hub/activation-file';
import { readChecked, secretNames } from '@activation-hub/activation-file/checked';
import { readProxies } from '@activation-hub/destination-kit/proxies';
import { secretVariable } from '@activation-hub/handler-contract';
import { readSettings, type Environment, type Settings } from './settings.ts';

/** The settings of the app, checked. */
export interface Configuration {
  readonly settings: Settings;
  readonly file: ActivationFile;
  /** Digest of the files that were deployed, as the build printed it as `contents`. */
  readonly build: string;
}

/**
 * Beside the activation files: what `build.ts` found them to say, by the SHA-256 of their bytes.
 */
export const checkedFilesName = 'checked.json';

/**
 * Reads the settings and the activation file. Throws, so that the app does not start, when one of
 * them is wrong, a secret that the file names is missing or a proxy cannot be used. Calls no store:
 * one that cannot be reached is no reason not to start.
 */
export async function readConfiguration(environment: Environment, appFolder: string): Promise<Configuration> {
  const settings = readSettings(environment);
  readProxies(settings.proxies);
  const path = resolve(appFolder, settings.activationFile);
  const file = readCheckedFile(path, appFolder) ?? (await checkFile(path));
  requireSecrets(file, settings);
  return { settings, file, build: readBuild(appFolder) };
}

/**
 * A file that the build has checked, which is every one that is deployed, needs neither a parser
 * nor the kinds of destinations.
 */
function readCheckedFile(path: string, appFolder: string): ActivationFile | undefined {
  const checked = readJson(join(appFolder, 'activations', checkedFilesName)) as Readonly<Record<string, string>>;
  // The check of the file says why it is not valid.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const form = checked[createHash('sha256').update(readFileSync(path)).digest('hex')];
  return form === undefined ? undefined : readChecked(form, path);
}

/** Any other file is checked here, by what the build would have used. */
async function checkFile(path: string): Promise<ActivationFile> {
  const { checkActivationFile } = await import('./check-activation-file.ts');
  return checkActivationFile(path);
}

function requireSecrets(file: ActivationFile, settings: Settings): void {
  const missing = secretNames(file).filter((name) => (settings.secret(name) ?? '') === '');
  if (missing.length === 0) return;
  throw new Error(
    `Failed to start: the activation file names secrets that have no value: ${missing.join(', ')}. ` +
      `Set the app settings ${missing.map(secretVariable).join(', ')}.`,
  );
}

/** What `build.ts` wrote into the app's manifest. */
function readBuild(appFolder: string): string {
  return (readJson(join(appFolder, 'package.json')) as { readonly contents: string }).contents;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
