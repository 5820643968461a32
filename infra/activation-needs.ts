import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exportsNeededBy,
  parseActivationFile,
  secretNames,
  type DestinationSchemas,
  type KnownDestinations,
  type NeededExports,
} from '@activation-hub/activation-file';
import { z } from 'zod';

/** The activation file of an environment, as the deployed package has it. */
export const activationFileOf = (environment: string): string => `activations/${environment}.yaml`;

/** What the activation file of an environment asks of the stack. */
export interface ActivationNeeds {
  /** The names of the secrets that its destinations need. */
  readonly secretNames: readonly string[];
  /** What AEP has to export. */
  readonly exports: NeededExports;
}

/**
 * Reads the activation file of an environment in a folder; throws when it is missing or wrong in
 * its form.
 */
export function activationNeeds(environment: string, folder: string): ActivationNeeds {
  const path = join(folder, `${environment}.yaml`);
  const file = parseActivationFile(readFileSync(path, 'utf8'), { fileName: path, destinations: anyDestination });
  return { secretNames: secretNames(file), exports: exportsNeededBy(file) };
}

/**
 * Accepts every kind of destination with any settings: which connectors there are is the handler's
 * to know, and it checks the same file when it is built and when it starts.
 */
class AnyDestination extends Map<string, DestinationSchemas> {
  override has(): boolean {
    return true;
  }

  override get(): DestinationSchemas {
    return { settings: z.unknown(), options: z.unknown() };
  }
}
const anyDestination: KnownDestinations = new AnyDestination();
