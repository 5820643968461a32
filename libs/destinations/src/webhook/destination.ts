import { z } from 'zod';
import { type Connector, createReasonGuard, defineDestination, secretsIn } from '@activation-hub/destination-kit';
import { webhookRequest, webhookTarget } from './request.ts';
import { judgeWebhookResponse } from './response.ts';
import { webhookSettings } from './settings.ts';

/** Changes posted as JSON to a URL of the user's own, signed by Standard Webhooks. README.md is what a receiver needs to know. */
export const webhook = defineDestination({
  type: 'webhook',
  title: 'Webhook',
  description: 'Posts changes as JSON to a URL of your own, signed by the Standard Webhooks specification.',
  settings: webhookSettings,
  terms: z.strictObject({}).prefault({}),
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 256 * 1024,
    requestsPerSecond: 100,
    concurrency: 8,
  }),
  batchBy: 'destination',
  connect: (settings, { http, now }) => {
    http.check(settings.url);
    const target = webhookTarget(settings);
    const secrets = secretsIn(settings);
    const tell: Connector['enter'] = async (deliveries, signal) => {
      const response = await http.send(webhookRequest(target, deliveries, now()), signal);
      return judgeWebhookResponse(response, deliveries, createReasonGuard(deliveries, secrets), now());
    };
    return { enter: tell, update: tell, exit: tell };
  },
});
