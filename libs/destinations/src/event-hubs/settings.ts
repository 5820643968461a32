import { z } from 'zod';
import { secret } from '@activation-hub/destination-kit';
import { identityForms } from '../written-identity.ts';

export const eventHubsSettings = z
  .strictObject({
    eventHub: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,255}$/, 'Write the name of an Event Hub, such as audience-changes.')
      .meta({ description: 'The Event Hub, which must be there.', examples: ['audience-changes'] }),
    fullyQualifiedNamespace: z
      .string()
      .regex(
        /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/,
        'Write the host alone, such as contoso.servicebus.windows.net.',
      )
      .optional()
      .meta({
        description: 'The namespace in which the app signs in by its managed identity.',
        examples: ['contoso.servicebus.windows.net'],
      }),
    clientId: z
      .guid()
      .optional()
      .meta({
        description:
          'Client id of the user-assigned identity of the app that may send; without it the identity that the app itself has.',
        examples: ['00000000-0000-0000-0000-000000000000'],
      }),
    connectionString: secret()
      .optional()
      .meta({
        description:
          'Connection string of a shared access policy with the right Send, instead of fullyQualifiedNamespace.',
        examples: [{ secret: 'changes-hub-connection' }],
      }),
    source: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[\x21-\x7e]+$/, 'Write a URI reference, such as /activation-hub or urn:contoso:activation-hub.')
      .default('/activation-hub')
      .meta({
        description: 'The source of the CloudEvents: together with their id, what makes them unique.',
        examples: ['urn:contoso:activation-hub:production'],
      }),
    identities: z
      .enum(identityForms)
      .default('plain')
      .meta({
        description: 'Whether identities are sent as they are, or as SHA-256 in hex of their normalised value.',
        examples: ['hashed'],
      }),
    batchSize: z
      .int()
      .min(1)
      .max(500)
      .default(100)
      .meta({ description: 'Changes that are under way to the event hub at once, at most.', examples: [50] }),
    timeoutMs: z
      .int()
      .min(100)
      .max(110_000)
      .default(15_000)
      .meta({
        description: 'How long the connection, and then the sending of a batch, may take, in milliseconds.',
        examples: [10_000],
      }),
  })
  .refine(
    ({ fullyQualifiedNamespace, connectionString }) =>
      (fullyQualifiedNamespace === undefined) !== (connectionString === undefined),
    'Write either fullyQualifiedNamespace or connectionString.',
  )
  .refine(
    ({ clientId, connectionString }) => clientId === undefined || connectionString === undefined,
    'A connection string has no use for clientId. Remove one of them.',
  );

export type EventHubsSettings = z.output<typeof eventHubsSettings>;
