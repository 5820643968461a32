import { z } from 'zod';
import { configuredUrl, secret } from '@activation-hub/destination-kit';

const headerValue = z
  .string()
  .regex(/^[\x20-\x7e]*$/, 'Write the value of an HTTP header in plain ASCII, on one line.');

export const webhookSettings = z.strictObject({
  url: configuredUrl().meta({
    description: 'Where changes are posted to. https only, except in local runs.',
    examples: ['https://example.com/audience-changes'],
  }),
  signingSecret: secret()
    .optional()
    .meta({
      description: 'Signs each request by Standard Webhooks: whsec_ and base64, or any other text, used as it is.',
      examples: [{ secret: 'hook-signing-secret' }],
    }),
  headers: z
    .record(z.string(), z.union([headerValue, secret()], 'Write a text or { secret: name }.'))
    .superRefine((headers, context) => {
      for (const name of Object.keys(headers)) {
        const message = refusal(name);
        if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name] });
      }
    })
    .default({})
    .meta({
      description: 'Own headers of each request, such as an authorization whose value is a secret.',
      examples: [{ authorization: { secret: 'hook-authorization' }, 'x-tenant': 'contoso' }],
    }),
  batchSize: z
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .meta({ description: 'Changes in one request, at most.', examples: [500] }),
  timeoutMs: z
    .int()
    .min(100)
    .max(100_000)
    .default(10_000)
    .meta({
      description:
        'How long one request may take, from the connection to the last byte of the answer, in milliseconds.',
      examples: [30_000],
    }),
});

export type WebhookSettings = z.output<typeof webhookSettings>;

const reserved = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Why an own header must not have this name; `undefined` when it may. */
function refusal(name: string): string | undefined {
  // RFC 9110, section 5.1: what a header may be called.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'Write the name of an HTTP header, such as x-tenant.';
  const lowerCase = name.toLowerCase();
  if (!reserved.has(lowerCase) && !lowerCase.startsWith('webhook-')) return undefined;
  return 'This header is set by the webhook itself, or by HTTP. Remove it; a signature comes from signingSecret.';
}
