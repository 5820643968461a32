import { identitiesBy, type Takes } from '@activation-hub/destination-kit';
import type { BrazeOptions, BrazeSettings } from './settings.ts';

const whose = 'It would say whose profile is meant: the identity says that.';

/**
 * Names that say which profile is meant, and are no attributes of it
 * (braze.com/docs/api/objects_filters/user_attributes_object).
 */
export const identifierNames = ['external_id', 'braze_id', 'user_alias', '_update_existing_only'] as const;

export const brazeTakes = ({ identifiers }: BrazeSettings, options: BrazeOptions): Takes => {
  const { booleanAttribute, arrayAttribute } = options;
  const membership = booleanAttribute ?? arrayAttribute ?? 'subscription_groups';
  const profileField = 'A field of the profile, where the identity is another identifier; else the identity says it.';
  return {
    identities: identitiesBy(identifiers, (identifier) => {
      const name = typeof identifier === 'string' ? identifier : `alias with the label ${identifier.aliasLabel}`;
      return `Finds the profile by its ${name}.`;
    }),
    attributes: { email: profileField, phone: profileField },
    otherAttributes: 'An attribute of the profile, as it is: one that Braze knows (first_name), or a custom one.',
    refusedAttributes: {
      ...Object.fromEntries(identifierNames.map((name) => [name, whose])),
      [membership]: 'The option of the route writes the membership there.',
    },
  };
};
