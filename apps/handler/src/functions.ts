import { triggers } from '@activation-hub/handler-contract';
import { app, trigger, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { publicHealth, type Health } from './health.ts';
import type { Hub } from './hub.ts';

/**
 * Registers the functions of the app. Nothing that they do is loaded for that; `openHub` gives it,
 * and is asked by every invocation.
 */
export function registerFunctions(openHub: () => Promise<Hub>): void {
  registerOnAudienceEvents(openHub);
  app.storageQueue('on-retry-due', {
    connection: triggers['on-retry-due'].connection,
    queueName: triggers['on-retry-due'].queue,
    handler: async (message, context) => (await openHub()).takeRetry(textOf(message), context),
  });
  app.storageQueue('on-retry-poisoned', {
    connection: triggers['on-retry-poisoned'].connection,
    queueName: triggers['on-retry-poisoned'].queue,
    handler: async (message, context) => (await openHub()).putBackRetry(textOf(message), context),
  });
  app.timer('sweep-ledger', {
    schedule: '0 0 3 * * *',
    handler: async (_timer, context) => (await openHub()).sweep(context),
  });
  app.timer('export-ledger', {
    // After the sweep.
    schedule: '0 0 4 * * *',
    handler: async (_timer, context) => (await openHub()).exportLedger(context),
  });
  app.timer('report-lag', {
    schedule: '0 * * * * *',
    handler: async (_timer, context) => (await openHub()).reportLag(context),
  });
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    handler: async () => answerOf(publicHealth(await (await openHub()).checkHealth())),
  });
  app.http('health-details', {
    methods: ['GET'],
    authLevel: 'function',
    route: 'health/details',
    handler: async () => answerOf(await (await openHub()).checkHealth()),
  });
  app.hook.appTerminate(async () => (await openHub()).close());
}

const answerOf = (health: Health): HttpResponseInit => ({
  status: health.status === 'ok' ? 200 : 503,
  jsonBody: health,
});

/**
 * The function that takes what AEP sends. `app.generic`, because `app.eventHub` cannot ask for
 * binary bodies, without which the host parses the events and one bad body loses its batch.
 *
 * The retry policy has no end: the function throws only when something cannot be settled, and then
 * the partition must hold. Intervals are whole seconds, for the library rounds them to seconds and
 * half of one would be none.
 */
function registerOnAudienceEvents(openHub: () => Promise<Hub>): void {
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
    handler: async (bodies: unknown, context: InvocationContext) => (await openHub()).takeEvents(bodies, context),
  });
}

/** The library gives a message parsed where it is JSON, as ours are. */
function textOf(message: unknown): string {
  return typeof message === 'string' ? message : JSON.stringify(message);
}
