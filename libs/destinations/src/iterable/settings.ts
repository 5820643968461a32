import { z } from 'zod';
import {
  identifiersAmong,
  listOptions,
  mayCreate,
  requestTimeout,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';

export const iterableSettings = z.strictObject({
  apiKey: storedSecret('iterable-api-key', 'A server-side API key of the project.'),
  identifiers: identifiersAmong(
    ['email', 'userId'],
    'the identifier by which the project knows the user: email or userId. A project knows its users by the one, the other, or both (hybrid).',
    { crmid: 'userId' },
  ),
  createUsers: mayCreate(
    'Creates a user for who enters and has none. A project that knows its users by email alone creates them all the same.',
  ),
  baseUrl: vendorUrl(
    'https://api.iterable.com',
    'Where the API is: that of the data centre of the project.',
    'https://api.eu.iterable.com',
  ),
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
