import type { Change } from '@activation-hub/destination-kit';

/** A change as readers of our own get it, in JSON. */
export interface ChangeDocument {
  /** The same for every repetition: who reads twice knows it by this. */
  readonly id: string;
  readonly change: Change['kind'];
  readonly audience: Change['audience'];
  readonly identity: Change['identity'];
  readonly qualifiedAt: string;
  readonly attributes: Change['attributes'];
}

/**
 * Names every field, so that one which is added to changes later does not reach readers by itself.
 */
export function changeDocument({ id, kind, audience, identity, qualifiedAt, attributes }: Change): ChangeDocument {
  return {
    id,
    change: kind,
    audience: {
      key: audience.key,
      id: audience.id,
      namespace: audience.namespace,
      ...(audience.name !== undefined && { name: audience.name }),
    },
    identity: { namespace: identity.namespace, value: identity.value },
    qualifiedAt,
    attributes,
  };
}
