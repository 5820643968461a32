import { z } from 'zod';
import { configuredUrl, requestTimeout, secret } from '@activation-hub/destination-kit';
import { identityForms } from '../written-identity.ts';

export const blobArchiveSettings = z
  .strictObject({
    containerUrl: configuredUrl()
      .refine((text) => {
        const url = new URL(text);
        return url.search === '' && /^(\/[^/]+){1,2}\/?$/.test(url.pathname);
      }, 'Write the URL of a container, without a signature: https://account.blob.core.windows.net/container.')
      .meta({
        description: 'The container, which must be there.',
        examples: ['https://contoso.blob.core.windows.net/audience-archive'],
      }),
    clientId: z
      .guid()
      .optional()
      .meta({
        description:
          'Client id of the user-assigned identity of the app that may write here; without it, and without accountKey, the identity that the app itself has.',
        examples: ['00000000-0000-0000-0000-000000000000'],
      }),
    accountKey: secret()
      .optional()
      .meta({
        description:
          'Access key of the storage account, for an account that the identity of the app cannot be given a role in.',
        examples: [{ secret: 'archive-account-key' }],
      }),
    identities: z
      .enum(identityForms)
      .default('hashed')
      .meta({
        description:
          'Whether identities are written as SHA-256 in hex of their normalised value, or as they are. A hash can still be found by who knows the identity.',
        examples: ['plain'],
      }),
    batchSize: z
      .int()
      .min(1)
      .max(10_000)
      .default(5_000)
      .meta({ description: 'Changes in one blob, at most.', examples: [1_000] }),
    timeoutMs: requestTimeout(30_000),
  })
  .refine(
    ({ clientId, accountKey }) => clientId === undefined || accountKey === undefined,
    'Write either clientId or accountKey.',
  );

export type BlobArchiveSettings = z.output<typeof blobArchiveSettings>;
