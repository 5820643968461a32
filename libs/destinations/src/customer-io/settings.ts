import { z } from 'zod';
import {
  identifiersSetting,
  mayCreate,
  requestTimeout,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';

export const customerIoSettings = z.strictObject({
  siteId: z
    .string()
    .regex(/^[\x21-\x39\x3b-\x7e]+$/, 'Write the Site ID as the page of the Track API keys shows it.')
    .meta({ description: 'Site ID of the workspace.', examples: ['a1b2c3d4e5f6a7b8c9d0'] }),
  apiKey: storedSecret('customer-io-api-key', 'API key of the Track API that goes with the Site ID.'),
  identifiers: identifiersSetting(z.enum(['id', 'email', 'cio_id']))
    .default({ email: 'email' })
    .meta({
      description:
        'For each identity namespace, the identifier by which the workspace knows the person: id, email or cio_id.',
      examples: [{ crmid: 'id', email: 'email' }],
    }),
  createPeople: mayCreate('Adds a person who enters and is not in the workspace. An update or an exit never adds one.'),
  baseUrl: vendorUrl(
    'https://track.customer.io',
    'Where the Track API is: that of the region of the account.',
    'https://track-eu.customer.io',
  ),
  timeoutMs: requestTimeout(15_000),
});

export type CustomerIoSettings = z.output<typeof customerIoSettings>;

/** Attributes that identify the person, or say how Customer.io reads a request. */
export const reservedNames: ReadonlySet<string> = new Set(['id', 'email', 'cio_id', '_update', 'anonymous_id']);

export const customerIoOptions = z.strictObject({
  booleanAttribute: z
    .string()
    .trim()
    .min(1)
    .max(150)
    .refine((name) => !reservedNames.has(name), 'This names the person itself. Name an attribute of your own.')
    .meta({
      description: 'An attribute that is true for members and false for who left; segments are made of it.',
      examples: ['in_sports_fans'],
    }),
});

export type CustomerIoOptions = z.output<typeof customerIoOptions>;
