import {
  formed,
  formField,
  type FormedValue,
  type PersonalField,
  plainProfile,
  type Takes,
} from '@activation-hub/destination-kit';

/** How identities are written for readers of our own: as SHA-256, or as they are. */
export const identityForms = ['hashed', 'plain'] as const;

/**
 * An identity in one spelling, so that who joins by it finds it: e-mail addresses and telephone
 * numbers normalised, all else without white space around it. A SHA-256 is taken as hashed already.
 */
export function writtenIdentity(
  { namespace, value }: { readonly namespace: string; readonly value: string },
  form: (typeof identityForms)[number],
): FormedValue {
  const field = fieldOf(namespace);
  return formField(form === 'hashed' ? { ...field, as: 'sha256' } : field, value);
}

function fieldOf(namespace: string): PersonalField {
  if (namespace === 'email') return plainProfile.email;
  if (namespace === 'phone') return plainProfile.phone;
  return { normalise: (value) => formed(value), as: 'opaque' };
}

/** What of a person is written for readers of our own. */
export const writtenTakes: Takes = {
  identities:
    'Of any namespace: its SHA-256 in hex, or itself with `identities: plain`. E-mail addresses and telephone numbers are brought into one spelling first.',
  attributes: {},
  otherAttributes: 'Of any name, with its value as JSON.',
};
