import type { AdobeNames, DesiredDestination, PlatformOptions } from '@activation-hub/flow-service';
import { z } from 'zod';

const text = z.string().min(1);

/**
 * What the resource `aep:index:Destination` is made from, by Pulumi's names; `clientSecret` and
 * `sasKey` are secret.
 */
export const destinationInputs = z.strictObject({
  organisation: text,
  sandbox: text,
  clientId: text,
  clientSecret: text,
  platformUrl: text,
  imsUrl: text,
  owner: text,
  name: text,
  description: z.string(),
  namespace: text,
  eventHubName: text,
  sasKeyName: text,
  sasKey: text,
  /** Whether the key counts for the hub alone, so that Adobe is told the hub with the key. */
  hubScopedKey: z.boolean(),
  /** What Adobe calls the way to sign in. */
  authSpecName: text.exactOptional(),
  audiences: z.array(z.strictObject({ id: text, name: z.string().exactOptional(), namespace: text.exactOptional() })),
  attributes: z.array(text),
  enabled: z.boolean(),
  /** An existing dataflow without an owner that becomes this destination. */
  adoptFlowId: text.exactOptional(),
  /** An existing connection to use as it is. */
  connectionId: text.exactOptional(),
});
export type DestinationInputs = z.output<typeof destinationInputs>;

/** What of the inputs is secret, in the program, in the state and on the way between. */
export const secretInputs = ['clientSecret', 'sasKey'] as const satisfies readonly (keyof DestinationInputs)[];

export function platformOptionsOf(inputs: DestinationInputs): PlatformOptions {
  const { organisation, sandbox, clientId, clientSecret, platformUrl, imsUrl } = inputs;
  return { organisation, sandbox, clientId, clientSecret, platformUrl, imsUrl };
}

export function adobeNamesOf({ hubScopedKey, authSpecName }: DestinationInputs): AdobeNames {
  return { hubScopedKey, ...(authSpecName === undefined ? {} : { authSpecName }) };
}

export function desiredOf(inputs: DestinationInputs): DesiredDestination {
  const { owner, name, description, namespace, eventHubName, sasKeyName, sasKey } = inputs;
  const { audiences, attributes, enabled, adoptFlowId, connectionId } = inputs;
  return {
    owner,
    name,
    description,
    eventHub: { namespace, eventHubName, sasKeyName, sasKey },
    audiences,
    attributes,
    enabled,
    ...(adoptFlowId === undefined ? {} : { adoptFlowId }),
    ...(connectionId === undefined ? {} : { connectionId }),
  };
}
