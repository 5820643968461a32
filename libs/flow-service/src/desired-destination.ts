/** How Adobe reaches the hub. */
export interface EventHubAddress {
  /** The namespace's short name, as `contoso-hub`. */
  readonly namespace: string;
  readonly eventHubName: string;
  readonly sasKeyName: string;
  readonly sasKey: string;
}

export interface DesiredAudience {
  readonly id: string;
  /** For people who look at the dataflow; a difference in it alone is no change. */
  readonly name?: string;
  /** For audiences from elsewhere, as `AAMSegments`. */
  readonly namespace?: string;
}

/** The destination that AEP is to have. */
export interface DesiredDestination {
  /**
   * Says to whom the destination belongs and tells it from all others of the sandbox, as
   * `activation-hub/production`. It is written into the descriptions of all its parts, is how they
   * are found again, and must therefore stay the same for ever.
   */
  readonly owner: string;
  readonly name: string;
  readonly description: string;
  readonly eventHub: EventHubAddress;
  readonly audiences: readonly DesiredAudience[];
  /** XDM paths of profile attributes, as `person.name.firstName`. */
  readonly attributes: readonly string[];
  readonly enabled: boolean;
  /**
   * The two switches of AEP's form; one that is left out stays as it is. Adobe's names of them are
   * in `AdobeNames`.
   */
  readonly toggles?: { readonly segmentNames?: boolean; readonly segmentTimestamps?: boolean };
  /** An existing dataflow that becomes this destination. It must not have another owner. */
  readonly adoptFlowId?: string;
  /**
   * An existing connection to use as it is: it is neither changed nor deleted, so its owner cares
   * for its key.
   */
  readonly connectionId?: string;
}

/**
 * What the destination of an environment is called in AEP: the same whether Pulumi, the command
 * line, or a person in AEP's form makes it.
 */
export function destinationWords(environment: string): Pick<DesiredDestination, 'owner' | 'name' | 'description'> {
  return {
    owner: `activation-hub/${environment}`,
    name: `Activation Hub ${environment}`,
    description: `Kept as the activation file of ${environment} says`,
  };
}

/** What Adobe calls things that its documentation leaves open. */
export interface AdobeNames {
  /** Default `Azure EventHub authentication credentials`. */
  readonly authSpecName?: string;
  /**
   * Whether the key is confined to the hub, so that its name goes with the credentials. Default
   * false.
   */
  readonly hubScopedKey?: boolean;
  /**
   * Parameters of the target connection. Default: found in Adobe's connection specification, or in
   * the target connection.
   */
  readonly toggles?: { readonly segmentNames?: string; readonly segmentTimestamps?: string };
}

/**
 * Soft limit of audiences in one destination (guardrails); what Adobe does beyond it is its own
 * matter.
 */
const audiencesMax = 1000;
const attributesMax = 1000;

/** Throws `RangeError` for what cannot be a destination. The sentence never shows the key. */
export function checkDesired(desired: DesiredDestination): void {
  checkOwner(desired.owner);
  const refuse = (why: string) => new RangeError(`Failed to plan the destination: ${why}.`);
  const texts = { name: desired.name, eventHubName: desired.eventHub.eventHubName };
  const credentials = {
    namespace: desired.eventHub.namespace,
    sasKeyName: desired.eventHub.sasKeyName,
    sasKey: desired.eventHub.sasKey,
  };
  for (const [name, text] of Object.entries({ ...texts, ...(desired.connectionId === undefined ? credentials : {}) })) {
    if (text.trim() === '') throw refuse(`${name} is empty`);
  }
  if (/\[(owner|key):/.test(desired.description)) throw refuse('the description must not hold [owner: …] or [key: …]');
  if (desired.audiences.length > audiencesMax) throw refuse(`it has more than ${audiencesMax} audiences`);
  if (desired.attributes.length > attributesMax) throw refuse(`it has more than ${attributesMax} attributes`);
  const twice = (values: readonly string[]) => values.find((value, index) => values.indexOf(value) !== index);
  const audienceTwice = twice(desired.audiences.map(({ id }) => id));
  if (audienceTwice !== undefined) throw refuse(`the audience ${audienceTwice} is listed twice`);
  const attributeTwice = twice(desired.attributes);
  if (attributeTwice !== undefined) throw refuse(`the attribute ${attributeTwice} is listed twice`);
  if (desired.audiences.some(({ id }) => id === '') || desired.attributes.includes('')) {
    throw refuse('an audience or an attribute is empty');
  }
}

/** Throws `RangeError` unless it can be written into a description and read from it again. */
export function checkOwner(owner: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$/.test(owner)) {
    throw new RangeError(
      'Failed to plan the destination: the owner must be 1 to 80 letters, digits, and . _ / - and begin with a letter or digit.',
    );
  }
}
