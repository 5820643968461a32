import { z } from 'zod';
import { configuredUrl, requestTimeout, storedSecret } from '@activation-hub/destination-kit';

export const marketingCloudSettings = z.strictObject({
  clientId: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'Write the client id as the installed package shows it.')
    .meta({
      description: 'Client id of the API integration (server-to-server) of an installed package.',
      examples: ['k3f5b8n1q7w2e9r4t6y0u1i2'],
    }),
  clientSecret: storedSecret(
    'marketing-cloud-client-secret',
    'Client secret of the same integration, which may read and write data extensions.',
  ),
  accountId: z
    .string()
    .regex(/^\d{1,20}$/, 'Write the digits of the MID, in quotes.')
    .optional()
    .meta({
      description: 'MID of the business unit that has the data extensions; without it, that of the installed package.',
      examples: ['7281698'],
    }),
  authUrl: configuredUrl().meta({
    description: 'Authentication Base URI of the integration, which is of the tenant.',
    examples: ['https://mc563885gzs27c5t9-63k636ttgm.auth.marketingcloudapis.com/'],
  }),
  soapUrl: configuredUrl().meta({
    description: 'SOAP Base URI of the integration, which is of the tenant.',
    examples: ['https://mc563885gzs27c5t9-63k636ttgm.soap.marketingcloudapis.com/'],
  }),
  timeoutMs: requestTimeout(60_000),
});

export type MarketingCloudSettings = z.output<typeof marketingCloudSettings>;

const column = z.string().trim().min(1).max(50);

export const marketingCloudOptions = z.strictObject({
  dataExtension: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .meta({
      description: 'External key of the data extension of which the members are the rows.',
      examples: ['sports-fans'],
    }),
  keyColumn: column.default('SubscriberKey').meta({
    description: 'Its primary key, which holds the identity; there must be no other column in it.',
    examples: ['EmailAddress'],
  }),
});

export type MarketingCloudOptions = z.output<typeof marketingCloudOptions>;
