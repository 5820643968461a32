import type { DesiredDestination } from '../src/index.ts';

export const sasKey = 'c2VjcmV0+/key1234567890abcdefghijklmnopqrstu=';

/** A destination as a test wants it, with what it wants otherwise. */
export function desiredDestination(more: Partial<DesiredDestination> = {}): DesiredDestination {
  return {
    owner: 'activation-hub/test',
    name: 'Activation Hub',
    description: 'Exports audiences',
    eventHub: { namespace: 'contoso', eventHubName: 'exports', sasKeyName: 'aep', sasKey },
    audiences: [
      { id: 'audience-1', name: 'Sports Fans' },
      { id: 'audience-2', name: 'Newcomers' },
      { id: 'audience-3' },
    ],
    attributes: ['person.name.firstName', 'consents.marketing.email.val'],
    enabled: true,
    ...more,
  };
}
