import { z } from 'zod';
import {
  type Connector,
  createReasonGuard,
  defineDestination,
  secretsIn,
  withClientCredentials,
} from '@activation-hub/destination-kit';
import { webhookRequest, webhookTarget } from './request.ts';
import { judgeWebhookResponse } from './response.ts';
import { type WebhookSettings, webhookSettings } from './settings.ts';
import { webhookTakes } from './takes.ts';
import { hasTemplate } from './request-template.ts';

/**
 * Changes posted as JSON to a URL of the user's own, signed by Standard Webhooks. README.md is what
 * a receiver needs to know.
 */
export const webhook = defineDestination({
  type: 'webhook',
  title: 'Webhook',
  description: 'Posts changes as JSON to a URL of your own, signed by the Standard Webhooks specification.',
  settings: webhookSettings,
  options: z.strictObject({}).prefault({}),
  limits: (settings) => ({
    batchCount: tellsOne(settings) ? 1 : settings.batchSize,
    batchBytes: 256 * 1024,
    requestsPerSecond: 100,
    concurrency: 8,
  }),
  batchBy: 'destination',
  takes: () => webhookTakes,
  comparison: {
    enters: 'is told as JSON, signed',
    leaves: 'is told as JSON, signed',
    hashed: 'nothing',
    shownAfter: 'as the receiver does',
    erasure: 'an exit is told',
    untried: 'nothing: the receiver is your own',
  },
  connect: (settings, { http, now, traceHeaders }) => {
    const target = webhookTarget(settings);
    http.check(target.url);
    if (settings.oauth !== undefined) http.check(settings.oauth.tokenUrl);
    const sender = settings.oauth === undefined ? http : withClientCredentials(http, settings.oauth, now);
    const secrets = secretsIn(settings);
    const tell: Connector['enter'] = async (deliveries, signal) => {
      const request = webhookRequest(target, deliveries, now(), traceHeaders?.());
      if ('refusal' in request) {
        return deliveries.map(({ change: { id } }) => ({ id, status: 'rejected', reason: request.refusal }));
      }
      const response = await sender.send(request, signal);
      return judgeWebhookResponse(response, deliveries, createReasonGuard(deliveries, secrets), now());
    };
    return { enter: tell, update: tell, exit: tell };
  },
});

/** A template is filled with one change; a secret URL may hold one, too. */
function tellsOne({ url, body }: WebhookSettings): boolean {
  return body !== undefined || hasTemplate(typeof url === 'string' ? url : url.reveal());
}
