import { exportsNeededBy, type ActivationFile } from '@activation-hub/activation-file';
import {
  destinationWords,
  type Audience,
  type DesiredDestination,
  type EventHubAddress,
} from '@activation-hub/flow-service';
import { CommandError } from '../terminal/command-error.ts';
import type { AdobeAccess } from '../environment/adobe-access.ts';

export interface WantedOptions {
  readonly file: ActivationFile;
  readonly environment: string;
  readonly hub: EventHubAddress;
  readonly enabled: boolean;
  readonly adoptFlowId?: string;
  readonly connectionId?: string;
}

/** The destination that AEP must have for an activation file. Sends no request. */
export function wantedDestination({ file, environment, hub, ...rest }: WantedOptions): DesiredDestination {
  const { audiences, attributes } = exportsNeededBy(file);
  return {
    ...destinationWords(environment),
    eventHub: hub,
    audiences,
    attributes,
    ...rest,
  };
}

/**
 * What Adobe knows of the audiences of a file, by id. Throws `CommandError` (2) when an audience of
 * AEP's own that must be exported is not in the sandbox, for AEP would take any id and export
 * nothing. One from elsewhere may be known under another id there.
 */
export async function requireAudiences(
  file: ActivationFile,
  { client, sandbox }: AdobeAccess,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Audience>> {
  const known = await client.audiences.get(
    [...file.audiences.values()].map(({ id }) => id),
    signal,
  );
  const missing = exportsNeededBy(file).audiences.filter(
    ({ id, namespace }) => namespace === undefined && !known.has(id),
  );
  if (missing.length === 0) return known;
  const words = missing.map(({ id, name }) => `${name} (${id})`);
  throw new CommandError(
    2,
    `Failed to plan: the sandbox ${sandbox} does not have ${words.join(', ')}. Look for the id with activation aep audiences, or choose another sandbox with AEP_SANDBOX.`,
    { details: { missing: missing.map(({ id }) => id) } },
  );
}
