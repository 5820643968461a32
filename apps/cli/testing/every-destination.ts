import { formed, type DestinationDefinition } from '@activation-hub/destination-kit';
import { destinationTypes, exampleOf, loadDestinations } from '@activation-hub/destinations';
import { localVendors } from '@activation-hub/destinations/testing';

export const definitions: ReadonlyMap<string, DestinationDefinition> = await loadDestinations(destinationTypes);

/** The kinds of destinations that send requests. */
export const told = destinationTypes.filter((type) => localVendors[type] !== 'calls nobody');

export const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';

/** What a change for a kind of destination must have besides the identity. */
const attributesOf: Readonly<Record<string, object>> = { webhook: { firstname: 'person.name.firstName' } };

/**
 * An activation file that names every kind of destination, each under its type, with the examples
 * of its own schemas.
 */
export function everyDestination(): object {
  const entries = [...definitions].map(([type, { settings }]) => [type, { type, settings: exampleOf(settings) }]);
  const activate = [...definitions].map(([type, definition]) => ({
    destination: type,
    identity: namespaceOf(definition),
    follow: 'ecid',
    attributes: attributesOf[type] ?? {},
    options: exampleOf(definition.options),
  }));
  return {
    version: 1,
    destinations: Object.fromEntries(entries) as object,
    audiences: { 'sports-fans': { id: audienceId, activate } },
  };
}

/** A namespace whose identities the destination takes, with the settings of its example. */
function namespaceOf(definition: DestinationDefinition): string {
  const settings = definition.settings.parse(exampleOf(definition.settings));
  const samples = { email: 'ann@example.com', crmid: 'C-100001' };
  const taken = Object.entries(samples).find(
    ([namespace, value]) =>
      (definition.identity?.({ namespace, value }, settings) ?? formed(value)).status === 'formed',
  );
  if (taken === undefined) throw new Error(`${definition.type} takes neither an e-mail address nor an own id`);
  return taken[0];
}
