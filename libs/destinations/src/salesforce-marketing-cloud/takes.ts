import type { Takes } from '@activation-hub/destination-kit';
import type { MarketingCloudOptions, MarketingCloudSettings } from './settings.ts';

export const marketingCloudTakes = (
  _settings: MarketingCloudSettings,
  { keyColumn }: MarketingCloudOptions,
): Takes => ({
  identities:
    'Of any namespace: the value of the primary key, at most 254 characters; an e-mail address in lower case.',
  attributes: {},
  otherAttributes: 'A column of the data extension, as text; lists and objects as JSON.',
  ignoresCase: true,
  refusedAttributes: { [keyColumn]: 'It is the primary key: the identity says it.' },
});
