import type { DestinationDefinition } from '@activation-hub/destination-kit';
import { braze } from './braze/destination.ts';
import { dynamics365 } from './dynamics-365/destination.ts';
import { hubspot } from './hubspot/destination.ts';
import { log } from './log/destination.ts';
import { webhook } from './webhook/destination.ts';

/** Every destination that an activation file can name, by its type. */
export const destinationDefinitions: ReadonlyMap<string, DestinationDefinition> = new Map(
  ([braze, dynamics365, hubspot, log, webhook] satisfies DestinationDefinition[]).map(
    (definition): [string, DestinationDefinition] => [definition.type, definition],
  ),
);
