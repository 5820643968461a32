/**
 * Fields at the root of a profile that are known from Adobe's own field groups; one that is missing
 * here leads to a warning only.
 */
const rootFields = new Set([
  ...[
    'person',
    'personID',
    'personalEmail',
    'workEmail',
    'homeAddress',
    'workAddress',
    'billingAddress',
    'mailingAddress',
  ],
  ...[
    'shippingAddress',
    'homePhone',
    'workPhone',
    'mobilePhone',
    'faxPhone',
    'organizations',
    'userAccount',
    'loyalty',
  ],
  ...[
    'consents',
    'optInOut',
    'preferredLanguage',
    'timeZone',
    'testProfile',
    'personComponents',
    'extSourceSystemAudit',
  ],
  ...[
    'pushNotificationDetails',
    'telecomSubscription',
    'subscriptions',
    'smsSubscription',
    'travelPreferences',
    'cart',
  ],
  ...[
    'b2b',
    'leadScore',
    'isDeleted',
    'createdByBatchID',
    'modifiedByBatchID',
    'repositoryCreatedBy',
    'repositoryLastModifiedBy',
  ],
]);

/** Objects that people name where they mean a field inside. */
const objects = new Map([
  ['person', 'person.name.firstName'],
  ['person.name', 'person.name.firstName'],
  ...['personalEmail', 'workEmail'].map((name) => [name, `${name}.address`] as const),
  ...['homePhone', 'workPhone', 'mobilePhone', 'faxPhone'].map((name) => [name, `${name}.number`] as const),
  ...['homeAddress', 'workAddress', 'billingAddress', 'mailingAddress', 'shippingAddress'].map(
    (name) => [name, `${name}.city`] as const,
  ),
  ['consents', 'consents.marketing.email.val'],
  ['consents.marketing', 'consents.marketing.email.val'],
  ...['any', 'email', 'push', 'sms', 'whatsApp', 'call', 'fax', 'postalMail'].map(
    (channel) => [`consents.marketing.${channel}`, `consents.marketing.${channel}.val`] as const,
  ),
]);

/**
 * The path without what JSON Path, JSON Pointer, XDM's own schemas and the Destination SDK put
 * around it.
 */
function inNotationOfAep(path: string): string {
  const segments = path.split(/[./]/).map((segment) => segment.replace(/^xdm:/, ''));
  const inner = segments.findIndex((segment) => !['', '$', 'profile', 'attributes'].includes(segment));
  return inner === -1 ? path : segments.slice(inner).join('.');
}

/**
 * Why AEP would probably export nothing for this path, as the rest of a sentence that begins with
 * the path; undefined when it may be right. Only the schema of the sandbox knows for certain.
 */
export function doubtAbout(path: string): string | undefined {
  const own = inNotationOfAep(path);
  if (own !== path) return `is not in AEP's notation. Write ${own}.`;
  const [root = ''] = path.split('.');
  if (root === 'identityMap' || root === 'segmentMembership') {
    return 'is in every export anyway, and is no attribute. Leave it out: identity and the id of the audience name what the hub reads from there.';
  }
  if (path.startsWith('consents.idSpecific.')) {
    return 'is inside a map, and Adobe does not export maps to this destination.';
  }
  const field = objects.get(path);
  if (field !== undefined) return `is an object; a field inside it is needed, such as ${field}.`;
  if (root.startsWith('_')) {
    return path === root ? 'is the whole of your own fields; name one field inside it.' : undefined;
  }
  if (rootFields.has(root)) return undefined;
  return `begins with ${root}, which is not known as a field at the root of a profile; fields of your own begin with _ and the name of your tenant.`;
}
