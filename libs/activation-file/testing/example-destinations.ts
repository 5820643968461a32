import { z } from 'zod';

const secret = z.strictObject(
  { secret: z.string() },
  { error: 'Write { secret: name } with the name of a stored secret.' },
);

/**
 * Schemas as connectors have them, for the tests of this project: one with much to say, one with
 * nothing.
 */
export const exampleDestinations = new Map([
  [
    'webhook',
    {
      title: 'Webhook',
      description: 'Posts changes as JSON to a URL of yours.',
      settings: z.strictObject({
        url: z.url().describe('Where changes are posted.'),
        signingSecret: secret.optional(),
        headers: z.record(z.string(), z.union([z.string(), secret])).default({}),
        timeoutMs: z.int().min(100).max(60_000).default(10_000),
      }),
      options: z.strictObject({
        list: z.string().min(3).optional(),
        fields: z.array(z.enum(['first', 'second'])).default([]),
        priority: z
          .string()
          .refine((word) => word === 'low' || word === 'high', {
            error: (issue) => `${String(issue.input)} is neither low nor high.`,
          })
          .optional(),
      }),
    },
  ],
  ['log', { title: 'Log', settings: z.strictObject({}), options: z.strictObject({}) }],
]);
