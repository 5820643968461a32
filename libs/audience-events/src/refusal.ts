/**
 * Every reason for a refusal, and what is said about it. The sentences are constant, so none can
 * carry a value of the event.
 */
const sentences = {
  'empty-body': 'Failed to read the event: its body is empty. Check what else sends to this event hub.',
  'invalid-utf8': 'Failed to read the event: its body is not valid UTF-8. Check what else sends to this event hub.',
  'invalid-json': 'Failed to read the event: its body is not valid JSON. Check what else sends to this event hub.',
  'empty-array':
    'Failed to read the event: its array holds no profile export. Check what else sends to this event hub.',
  'not-an-object':
    'Failed to read the profile export: a JSON object is expected here. Check what else sends to this event hub.',
  'not-an-export':
    'Failed to read the profile export: it has neither segmentMembership nor identityMap. Check what else sends to this event hub.',
  'encoded-twice':
    'Failed to read the event: it is a text that holds JSON, where AEP sends the JSON object itself. Encode the object once.',
  'wrapped-export':
    'Failed to read the event: the profile export stands inside another object, where AEP sends it without an envelope. Send what is inside.',
  'profile-api-answer':
    'Failed to read the event: it looks like an answer of the Profile API, where AEP sends what stands there under entity. Send that object alone.',
  'invalid-segment-membership':
    'Failed to read the memberships: segmentMembership and each of its namespaces must be an object. Compare them with the published schema.',
  'listed-memberships':
    'Failed to read the memberships: segmentMembership is a list, where AEP sends an object of namespaces such as { "ups": { } }. Send the object.',
  'invalid-identity-map':
    'Failed to read the profile export: identityMap must be an object of namespaces. Compare it with the published schema.',
  'invalid-identities':
    'Failed to read the identities: a namespace of identityMap is not a list. Compare it with the published schema.',
  'unlisted-identity':
    'Failed to read the identities: a namespace of identityMap is a single identity, where AEP sends a list such as [{ "id": "A1" }]. Send a list.',
  'bare-identity':
    'Failed to read the identities: one is a plain text, where AEP sends an object such as { "id": "A1" }. Send the object.',
  'invalid-identity':
    'Failed to read the identities: each must be an object with a string id. Compare them with the published schema.',
  'numeric-identity': 'Failed to read the identities: an id given as a number has lost digits. Send it as a string.',
  'malformed-identity':
    'Failed to read the identities: an id holds half of a surrogate pair. Correct it where it is collected.',
  'further-refusals':
    'Failed to read further elements of the array: only the first 100 refusals are listed. Correct those and send the event again.',
  'absent-membership':
    'Failed to read the membership: the export has no such audience. Ask only for audiences that it lists.',
  'invalid-membership':
    'Failed to read the membership: a JSON object is expected here. Compare it with the published schema.',
  'unknown-status':
    'Failed to read the membership: its status is none of realized, existing and exited. Compare it with the published schema.',
  'invalid-qualification-time':
    'Failed to read the membership: lastQualificationTime is not a time as AEP writes it. Compare it with the published schema.',
  'future-qualification-time':
    'Failed to read the membership: lastQualificationTime is more than a day after the event was sent. Check the clock of what sets it.',
} as const;

/** Why something was refused; a word fit for a metric's label. */
export type RefusalCode = keyof typeof sentences;

/**
 * Something in an event that cannot be used, where it stands and why. Carries no value of the
 * event.
 */
export interface Refusal {
  /** JSON path (RFC 9535); `*` stands for a key that may itself be personal data. */
  readonly path: string;
  readonly code: RefusalCode;
  /** A constant sentence per code, with advice. */
  readonly message: string;
}

/** All codes there are, for documentation and metrics. */
export const refusalCodes = Object.keys(sentences) as readonly RefusalCode[];

/** Whether a result is a refusal. */
export function isRefusal(result: object): result is Refusal {
  return 'code' in result;
}

export function refuse(path: string, code: RefusalCode): Refusal {
  return { path, code, message: sentences[code] };
}

const harmlessKey = /^(?:[A-Za-z][A-Za-z0-9_.-]{0,63}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$/;
const memberName = /^[A-Za-z][A-Za-z0-9_]*$/;

/**
 * The path of a member of the object at `path`. A key that does not look like a name or a UUID
 * becomes `*`: it may be personal data.
 */
export function memberPath(path: string, key: string): string {
  if (!harmlessKey.test(key)) return `${path}.*`;
  return memberName.test(key) ? `${path}.${key}` : `${path}['${key}']`;
}
