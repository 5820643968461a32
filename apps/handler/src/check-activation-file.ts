import { loadActivationFile, type ActivationFile } from '@activation-hub/activation-file';
import { loadDestinations } from '@activation-hub/destinations';
import { importPackage } from './destination-packages.ts';

/**
 * Reads and checks an activation file with the kinds of destinations that it names. Throws as
 * `loadActivationFile` does.
 */
export function checkActivationFile(path: string): Promise<ActivationFile> {
  return loadActivationFile(path, { destinations: (types) => loadDestinations(types, importPackage) });
}
