import {
  googleProfile,
  metaProfile,
  type PersonalField,
  plainProfile,
  type Takes,
} from '@activation-hub/destination-kit';
import type { SnapchatSettings } from './settings.ts';

export type Identifier = SnapchatSettings['identifiers'][string];

/**
 * "How to Normalize Identifiers",
 * developers.snap.com/api/marketing-api/Conversions-API/BestPractices: numbers are digits with
 * their country code.
 */
export const snapchatProfile: Readonly<Record<Identifier, PersonalField>> = {
  EMAIL: { normalise: plainProfile.email.normalise, as: 'sha256' },
  PHONE: { normalise: metaProfile.PHONE.normalise, as: 'sha256' },
  MAID: { normalise: (text) => googleProfile.mobileId.normalise(text.toLowerCase()), as: 'sha256' },
};

const hashed = 'SHA-256 of it is sent, unless it is one already.';
const hows: Readonly<Record<Identifier, string>> = {
  EMAIL: `An e-mail address in lower case. ${hashed}`,
  PHONE: `A phone number with its country code, digits only. ${hashed}`,
  MAID: `The advertising id of a mobile device in lower case, with its hyphens. ${hashed}`,
};

export const snapchatTakes = ({ identifiers }: SnapchatSettings): Takes => ({
  identities: Object.fromEntries(Object.entries(identifiers).map(([namespace, kind]) => [namespace, hows[kind]])),
  // A customer list is of identifiers, and of nothing else.
  attributes: {},
});
