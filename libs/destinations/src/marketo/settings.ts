import { z } from 'zod';
import {
  configuredUrl,
  identifiersSetting,
  listOptions,
  mayCreate,
  requestTimeout,
  storedSecret,
} from '@activation-hub/destination-kit';

export const marketoSettings = z.strictObject({
  baseUrl: configuredUrl().meta({
    description: 'Where the API of the subscription is: the endpoint of REST under Admin, Web Services.',
    examples: ['https://123-abc-456.mktorest.com'],
  }),
  clientId: z
    .string()
    .min(1)
    .meta({
      description: 'Client id of a custom service (Admin, LaunchPoint).',
      examples: ['0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02'],
    }),
  clientSecret: storedSecret(
    'marketo-client-secret',
    'Client secret of the custom service. The role of its API-only user needs Read-Write Person, and Read-Write Assets where lists are made.',
  ),
  identifiers: identifiersSetting(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'Write the REST API name of a field, such as email.'),
  )
    .refine((identifiers) => !Object.values(identifiers).includes('id'), 'Marketo gives the id: name another field.')
    .default({ email: 'email' })
    .meta({
      description: 'For each identity namespace, the field by which Marketo finds the person, by its REST API name.',
      examples: [{ email: 'email', crmid: 'customerNumber' }],
    }),
  createPersons: mayCreate('Creates a person for who enters and has none. An update or an exit never does.'),
  folder: z
    .strictObject({
      id: z
        .int()
        .positive()
        .meta({ description: 'Its id, as the address of its page ends.', examples: [1034] }),
      type: z.enum(['Folder', 'Program']).meta({ description: 'What it is.', examples: ['Program'] }),
    })
    .optional()
    .meta({
      description: 'The folder or program in which static lists are made, where options create them.',
      examples: [{ id: 1034, type: 'Program' }],
    }),
  timeoutMs: requestTimeout(30_000),
});

export type MarketoSettings = z.output<typeof marketoSettings>;

export const marketoOptions = listOptions(
  'static list',
  z
    .int()
    .positive()
    .meta({ examples: [1021] }),
).refine(({ list }) => list?.includes(',') !== true, 'Marketo takes a comma for the end of a name. Use listId.');

export type MarketoOptions = z.output<typeof marketoOptions>;
