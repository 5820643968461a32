import {
  type DescribedField,
  identitiesBy,
  metaProfile,
  plainProfile,
  sentenceOf,
  type Takes,
} from '@activation-hub/destination-kit';
import type { SnapchatSettings } from './settings.ts';

export type Identifier = SnapchatSettings['identifiers'][string];

/**
 * "How to Normalize Identifiers",
 * developers.snap.com/api/marketing-api/Conversions-API/BestPractices: numbers are digits with
 * their country code.
 */
export const snapchatProfile: Readonly<Record<Identifier, DescribedField>> = {
  EMAIL: { ...plainProfile.email, as: 'sha256', what: 'An e-mail address in lower case.' },
  PHONE: { ...metaProfile.PHONE, what: 'A phone number with its country code, digits only.' },
  MAID: {
    ...plainProfile.mobileId,
    as: 'sha256',
    what: 'The advertising id of a mobile device in lower case, with its hyphens.',
  },
};

export const snapchatTakes = ({ identifiers }: SnapchatSettings): Takes => ({
  identities: identitiesBy(identifiers, (kind) => sentenceOf(snapchatProfile[kind])),
  // A customer list is of identifiers, and of nothing else.
  attributes: {},
});
