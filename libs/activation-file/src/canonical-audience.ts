const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text is a UUID, as the ids are that AEP gives to its own audiences; in any case. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/**
 * An audience's id as it is compared and kept: UUIDs are the same in any case (RFC 9562), every
 * other id is opaque.
 */
export function canonicalId(id: string): string {
  // Nearly every id of an export is in lower case already; comparing is much quicker than matching
  // each with the pattern.
  const folded = id.toLowerCase();
  return folded !== id && isUuid(id) ? folded : id;
}

/**
 * A namespace, of audiences or of identities, as it is compared and kept: AEP exports in lower case
 * what has capitals in its schema.
 */
export function canonicalNamespace(namespace: string): string {
  return namespace.toLowerCase();
}
