import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseActivationFile,
  secretNames,
  type DestinationSchemas,
  type KnownDestinations,
} from '@activation-hub/activation-file';
import { z } from 'zod';

/** The activation file of an environment, as the deployed package has it. */
export const activationFileOf = (environment: string): string => `activations/${environment}.yaml`;

/** Which secrets the activation file of an environment names; throws when the file is missing or wrong in its form. */
export function activationSecrets(environment: string): readonly string[] {
  const path = join(import.meta.dirname, '..', 'apps', 'handler', activationFileOf(environment));
  return secretNames(parseActivationFile(readFileSync(path, 'utf8'), { fileName: path, destinations: anyDestination }));
}

/**
 * Accepts every kind of destination with any settings: which connectors there are is the handler's to know, and it
 * checks the same file when it is built and when it starts.
 */
class AnyDestination extends Map<string, DestinationSchemas> {
  override has(): boolean {
    return true;
  }

  override get(): DestinationSchemas {
    return { settings: z.unknown(), terms: z.unknown() };
  }
}
const anyDestination: KnownDestinations = new AnyDestination();
