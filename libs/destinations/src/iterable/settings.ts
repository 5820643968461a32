import { z } from 'zod';
import { configuredUrl, listOptions, requestTimeout, secret } from '@activation-hub/destination-kit';

export const iterableSettings = z.strictObject({
  apiKey: secret().meta({
    description: 'A server-side API key of the project.',
    examples: [{ secret: 'iterable-api-key' }],
  }),
  identifiers: z
    .record(z.string().regex(/^[^A-Z]+$/, 'Write the namespace in lower case.'), z.enum(['email', 'userId']))
    .refine((identifiers) => Object.keys(identifiers).length > 0, 'Name at least one namespace.')
    .default({ email: 'email' })
    .meta({
      description:
        'For each identity namespace, the identifier by which the project knows the user: email or userId. A project knows its users by the one, the other, or both (hybrid).',
      examples: [{ crmid: 'userId' }],
    }),
  createUsers: z
    .boolean()
    .default(true)
    .meta({
      description:
        'Creates a user for who enters and has none. A project that knows its users by email alone creates them all the same.',
      examples: [false],
    }),
  baseUrl: configuredUrl()
    .default('https://api.iterable.com')
    .meta({
      description: 'Where the API is: that of the data centre of the project.',
      examples: ['https://api.eu.iterable.com'],
    }),
  timeoutMs: requestTimeout(30_000),
});

export type IterableSettings = z.output<typeof iterableSettings>;

export const iterableOptions = listOptions(
  'static list',
  z
    .int()
    .positive()
    .meta({ examples: [12345] }),
);

export type IterableOptions = z.output<typeof iterableOptions>;
