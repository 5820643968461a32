import { activate, type ActivationContext } from '@activation-hub/activation';
import { app, trigger, type InvocationContext } from '@azure/functions';
import { incomingEvents } from './incoming-events.ts';
import { triggers } from './needs.ts';

/**
 * Registers the function that takes what AEP sends. `app.generic`, because `app.eventHub` cannot ask for binary bodies,
 * without which the host parses the events and one bad body loses its batch.
 *
 * The retry policy has no end: the function throws only when something cannot be settled, and then the partition must
 * hold. Intervals are whole seconds, for the library rounds them to seconds and half of one would be none.
 */
export function registerOnAudienceEvents(
  openActivation: (context: InvocationContext) => Promise<ActivationContext>,
): void {
  app.generic('on-audience-events', {
    trigger: trigger.generic({
      type: 'eventHubTrigger',
      name: 'events',
      connection: triggers['on-audience-events'].connection,
      eventHubName: triggers['on-audience-events'].eventHub,
      consumerGroup: '%EVENT_HUB_CONSUMER_GROUP%',
      cardinality: 'many',
      dataType: 'binary',
    }),
    retry: {
      strategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { minutes: 1 },
    },
    handler: async (bodies: unknown, context: InvocationContext): Promise<void> => {
      const activation = await openActivation(context);
      const events = incomingEvents(bodies, context.triggerMetadata, activation.clock.now());
      if (events.length > 0) await activate({ events }, activation);
    },
  });
}
