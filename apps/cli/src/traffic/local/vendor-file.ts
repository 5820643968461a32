import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { secretVariable } from '@activation-hub/handler-contract';
import { parse } from 'yaml';
import type { StandIns } from '../../activation-file/stand-ins.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/**
 * A copy of an activation file whose destinations find their stand-ins. It stays until `remove`.
 */
export interface VendorFile {
  readonly path: string;
  /** By the name of the environment variable. */
  readonly secrets: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Writes the copy of a file that was found to be right. */
export async function writeVendorFile(
  path: string,
  { settings, secrets }: Pick<StandIns, 'settings' | 'secrets'>,
): Promise<VendorFile> {
  // What it may hold was checked when the file was loaded.
  const written = parse(await readFile(path, 'utf8'), { maxAliasCount: -1 }) as {
    destinations: Record<string, object>;
  };
  const destinations = Object.entries(written.destinations).map(([key, entry]) => [
    key,
    { ...entry, settings: settings.get(key) },
  ]);
  const folder = await makeTemporaryFolder('activation-vendor-');
  const copy = join(folder.path, 'activation.json');
  await writeFile(
    copy,
    JSON.stringify({ ...written, destinations: Object.fromEntries(destinations) as object }, undefined, 2),
  );
  return {
    path: copy,
    secrets: Object.fromEntries([...secrets].map(([name, value]) => [secretVariable(name), value])),
    remove: () => folder.remove(),
  };
}
