import {
  EventHubConsumerClient,
  parseEventHubConnectionString,
  type CheckpointStore,
  type EventHubConsumerClientOptions,
} from '@azure/event-hubs';
import { credentialOf, missing } from './settings.ts';
import { triggerText, type RegisteredFunction, type TriggerServices } from './trigger.ts';

/**
 * The client of an event hub trigger, by the connection and the names that the function is
 * registered with. Throws when a setting is missing.
 */
export async function consumerClient(
  registered: RegisteredFunction,
  { settings }: TriggerServices,
  store: CheckpointStore,
  options: EventHubConsumerClientOptions,
): Promise<EventHubConsumerClient> {
  const usedBy = `function ${registered.name}`;
  const eventHubName = triggerText(registered, 'eventHubName', settings);
  const group =
    registered.trigger.consumerGroup === undefined ? '$Default' : triggerText(registered, 'consumerGroup', settings);
  const connection = settings.connection(triggerText(registered, 'connection', settings), usedBy);
  if (connection.kind === 'connectionString') {
    // The name in the connection string wins over the trigger's (eventHub.d.ts of the library).
    const entityPath = parseEventHubConnectionString(connection.connectionString).eventHubName;
    return new EventHubConsumerClient(group, connection.connectionString, entityPath ?? eventHubName, store, options);
  }
  const namespace =
    connection.part('fullyQualifiedNamespace') ?? missing(`${connection.name}__fullyQualifiedNamespace`, usedBy);
  return new EventHubConsumerClient(group, namespace, eventHubName, await credentialOf(connection), store, options);
}
