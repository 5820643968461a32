import type { Takes } from '@activation-hub/destination-kit';

export const logTakes: Takes = {
  identities: 'Of any namespace: its first letter where that gives nothing away, or all of it with `showIdentities`.',
  attributes: {},
  otherAttributes: 'Of any name: the name is printed, and its value with `showIdentities`.',
};
