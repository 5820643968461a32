import { z } from 'zod';
import { configuredUrl, requestTimeout, secret } from '@activation-hub/destination-kit';
import { bodyTemplateRefusals, urlTemplateRefusal } from './request-template.ts';

const headerValue = z
  .string()
  .regex(/^[\x20-\x7e]*$/, 'Write the value of an HTTP header in plain ASCII, on one line.');

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

const body = z
  .record(z.string(), z.json())
  .superRefine((template, context) => {
    for (const { path, message } of bodyTemplateRefusals(template))
      context.addIssue({ code: 'custom', message, path: [...path], input: undefined });
  })
  .meta({
    description:
      'The JSON body of a request that tells one change, in place of the usual body; {{identity.value}} and the like stand for what the change has.',
    examples: [{ event: '{{change}}', list: '{{audience.key}}', user: { email: '{{identity.value}}' } }],
  });

const oauth = z
  .strictObject({
    tokenUrl: configuredUrl().meta({
      description: 'Where a token is asked for.',
      examples: ['https://login.example.com/oauth2/token'],
    }),
    clientId: z
      .string()
      .min(1)
      .meta({ description: 'Id of the application.', examples: ['activation-hub'] }),
    clientSecret: secret().meta({
      description: 'Secret of the application.',
      examples: [{ secret: 'hook-client-secret' }],
    }),
    scope: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ description: 'What the token is for, with spaces between.', examples: ['audiences.write'] }),
  })
  .meta({
    description: 'Signs in by OAuth 2.0 client credentials; each request carries the token as its authorization.',
    examples: [
      {
        tokenUrl: 'https://login.example.com/oauth2/token',
        clientId: 'activation-hub',
        clientSecret: { secret: 'hook-client-secret' },
      },
    ],
  });

const certificate = z
  .strictObject({
    certificate: secret().meta({
      description: 'The certificate and those above it, in PEM.',
      examples: [{ secret: 'hook-certificate' }],
    }),
    key: secret().meta({
      description: 'Its private key, in PEM, not encrypted.',
      examples: [{ secret: 'hook-certificate-key' }],
    }),
  })
  .meta({
    description: 'Shown to the receiver when the connection is made (mutual TLS).',
    examples: [{ certificate: { secret: 'hook-certificate' }, key: { secret: 'hook-certificate-key' } }],
  });

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'Write the name of an HTTP header, such as x-signature.')
  .refine((name) => !reserved.has(name.toLowerCase()), 'This header is set by HTTP itself. Name another.');

const hmac = z
  .strictObject({
    secret: secret().meta({ description: 'The key, used as it is.', examples: [{ secret: 'hook-hmac-key' }] }),
    header: headerName.meta({ description: 'The header that has the signature.', examples: ['x-hub-signature-256'] }),
    algorithm: z
      .enum(['sha256', 'sha512', 'sha1'])
      .default('sha256')
      .meta({ description: 'The hash of the HMAC.', examples: ['sha512'] }),
    encoding: z
      .enum(['hex', 'base64'])
      .default('hex')
      .meta({ description: 'How the signature is written.', examples: ['base64'] }),
    prefix: headerValue
      .default('')
      .meta({ description: 'What stands before the signature in its header.', examples: ['sha256='] }),
    timestampHeader: headerName.optional().meta({
      description:
        'A header with the time of the request, in seconds since 1970; the signature is then of the time, a dot and the body, and else of the body.',
      examples: ['x-timestamp'],
    }),
  })
  .meta({
    description: 'Signs each request by a plain HMAC, for a receiver that does not know Standard Webhooks.',
    examples: [{ secret: { secret: 'hook-hmac-key' }, header: 'x-hub-signature-256', prefix: 'sha256=' }],
  });

/** Refuses what the template of a URL must not name. */
function refuseTemplate(url: string, context: z.core.$RefinementCtx<string>): void {
  const message = urlTemplateRefusal(url);
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined });
}

const webhookShape = z.strictObject({
  url: z
    .union(
      [configuredUrl().superRefine(refuseTemplate), secret()],
      'Write an https URL, such as https://example.com/hook, or { secret: name } for one that is a secret itself.',
    )
    .meta({
      description:
        'Where changes are posted to; https only, except in local runs. A secret for a URL that is one itself. {{change}}, {{audience.key}} and what else says nothing of a person may stand in the path or the query.',
      examples: ['https://example.com/audience-changes', { secret: 'hook-url' }],
    }),
  body: body.optional(),
  oauth: oauth.optional(),
  clientCertificate: certificate.optional(),
  signingSecret: secret()
    .optional()
    .meta({
      description:
        'Signs each request by Standard Webhooks: 24 to 64 bytes in base64, with whsec_ before it or not. For a key that is a text, use hmac.',
      examples: [{ secret: 'hook-signing-secret' }],
    }),
  previousSigningSecret: secret()
    .optional()
    .meta({
      description: 'Signs each request with this one too, while receivers change to a new signingSecret.',
      examples: [{ secret: 'hook-signing-secret-before' }],
    }),
  hmac: hmac.optional(),
  headers: z
    .record(z.string(), z.union([headerValue, secret()], 'Write a text or { secret: name }.'))
    .superRefine(
      (headers, context) => {
        for (const name of Object.keys(headers)) {
          const message = refusal(name);
          if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name] });
        }
      },
      // A value that is wrong does not hide a name that is.
      { when: ({ value }) => typeof value === 'object' && value !== null },
    )
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
  timeoutMs: requestTimeout(10_000),
});

const names = (headers: object): readonly string[] => Object.keys(headers).map((name) => name.toLowerCase());

export const webhookSettings = webhookShape
  .refine(({ oauth: signIn, headers }) => signIn === undefined || !names(headers).includes('authorization'), {
    error: 'oauth sets the header authorization. Remove one of the two.',
    path: ['headers'],
  })
  .refine(
    ({ hmac: signed, headers }) =>
      ![signed?.header, signed?.timestampHeader].some((name) => name && names(headers).includes(name.toLowerCase())),
    { error: 'hmac sets this header. Remove one of the two.', path: ['headers'] },
  )
  .refine(
    ({ signingSecret, previousSigningSecret }) => previousSigningSecret === undefined || signingSecret !== undefined,
    { error: 'Write signingSecret too: the previous one signs beside it.', path: ['previousSigningSecret'] },
  );

export type WebhookSettings = z.output<typeof webhookSettings>;

/** Why an own header must not have this name; `undefined` when it may. */
function refusal(name: string): string | undefined {
  // RFC 9110, section 5.1: what a header may be called.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'Write the name of an HTTP header, such as x-tenant.';
  const lowerCase = name.toLowerCase();
  if (!reserved.has(lowerCase) && !lowerCase.startsWith('webhook-')) return undefined;
  return 'This header is set by the webhook itself, or by HTTP. Remove it; a signature comes from signingSecret.';
}
