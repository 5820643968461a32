import type { Takes } from '@activation-hub/destination-kit';

export const webhookTakes: Takes = {
  identities: 'Of any namespace, as it is. With a `body` of your own it stands where that names it, and nowhere else.',
  attributes: {},
  otherAttributes: 'Of any name, with its value as JSON; with a `body` of your own where that names it.',
};
