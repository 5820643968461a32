import { z } from 'zod';
import {
  apiVersion,
  identifiersSetting,
  quotaShare,
  requestTimeout,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';
import { hubspotVersions } from './versions.ts';

export const hubspotSettings = z.strictObject({
  accessToken: storedSecret(
    'hubspot-access-token',
    'Access token of a private app, or a service key, with the scopes crm.lists.read, crm.lists.write, crm.objects.contacts.read and crm.objects.contacts.write.',
  ),
  identifiers: identifiersSetting(z.string().min(1))
    .default({ email: 'email' })
    .meta({
      description:
        'For each identity namespace, the contact property by which HubSpot knows the person: email, or a property of your own that is marked unique.',
      examples: [{ email: 'email', crmid: 'customer_id' }],
    }),
  apiVersion: apiVersion(hubspotVersions, '2026-03', /^(v3|\d{4}-\d{2})$/, 'Version of the HubSpot API.'),
  quotaShare: quotaShare('the daily API quota of the account'),
  baseUrl: vendorUrl('https://api.hubapi.com', 'Where the HubSpot API is.'),
  timeoutMs: requestTimeout(15_000),
});

export type HubspotSettings = z.output<typeof hubspotSettings>;

export const hubspotOptions = z
  .strictObject({
    list: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .regex(/^(?!\.{1,2}$)/, 'HubSpot cannot be asked for a list of this name. Write its listId.')
      .optional()
      .meta({
        description: 'Name of a static list (HubSpot also calls it a segment) of contacts.',
        examples: ['Sports Fans'],
      }),
    listId: z
      .string()
      .regex(/^\d{1,18}$/, 'Write the digits of the ILS list id, in quotes.')
      .optional()
      .meta({ description: 'ILS list id of the list, instead of its name.', examples: ['9012'] }),
    createList: z
      .boolean()
      .default(false)
      .meta({
        description: 'Creates the list, as a static one, when there is none of this name.',
        examples: [true],
      }),
  })
  .refine(({ list, listId }) => (list === undefined) !== (listId === undefined), 'Write either list or listId.')
  .refine(({ listId, createList }) => listId === undefined || !createList, 'A list by id cannot be created. Use list.');

export type HubspotOptions = z.output<typeof hubspotOptions>;
