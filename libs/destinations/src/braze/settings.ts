import { z } from 'zod';
import {
  configuredUrl,
  defaultCountry,
  identifiersSetting,
  mayCreate,
  requestTimeout,
  storedSecret,
} from '@activation-hub/destination-kit';

const identifier = z.union(
  [z.enum(['external_id', 'braze_id', 'email', 'phone']), z.strictObject({ aliasLabel: z.string().min(1) })],
  'Write external_id, braze_id, email, phone, or { aliasLabel: label }.',
);

export const brazeSettings = z.strictObject({
  restUrl: configuredUrl()
    .refine(
      (url) => !/^(dashboard|app)[-.]/.test(new URL(url).hostname),
      'This is the address of the dashboard. Write the REST endpoint of the same cluster, such as https://rest.fra-01.braze.eu.',
    )
    .meta({
      description:
        'The REST endpoint of your cluster, as the settings page of Braze shows it. A key works on its own cluster only.',
      examples: ['https://rest.fra-01.braze.eu'],
    }),
  apiKey: storedSecret('braze-api-key', 'A REST API key with the permission users.track.'),
  identifiers: identifiersSetting(identifier)
    .default({ email: 'email' })
    .meta({
      description:
        'For each identity namespace, the identifier by which Braze knows the person: external_id, braze_id, email, phone, or an alias with its label.',
      examples: [{ crmid: 'external_id', loyaltyid: { aliasLabel: 'loyalty' }, email: 'email' }],
    }),
  defaultCountry: defaultCountry(),
  createProfiles: mayCreate(
    'Creates a profile for a person who enters and has none. An update or an exit never creates one.',
  ),
  batchSize: z
    .int()
    .min(1)
    .max(75)
    .default(75)
    .meta({
      description: 'Persons in one request, at most. Some contracts allow 50.',
      examples: [50],
    }),
  timeoutMs: requestTimeout(15_000),
});

export type BrazeSettings = z.output<typeof brazeSettings>;

/**
 * Fields of the profile itself, over which a membership must not be written
 * (braze.com/docs/api/objects_filters/user_attributes_object).
 */
const profileFields = new Set([
  ...['external_id', 'braze_id', 'user_alias', 'email', 'phone', '_update_existing_only', 'subscription_groups'],
  ...['first_name', 'last_name', 'dob', 'gender', 'country', 'home_city', 'language', 'time_zone', 'user_id'],
  ...['email_subscribe', 'push_subscribe', 'email_open_tracking_disabled', 'email_click_tracking_disabled'],
  ...['date_of_first_session', 'date_of_last_session', 'push_tokens', 'current_location', 'marked_email_as_spam_at'],
]);

const attributeName = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .refine((name) => !profileFields.has(name), 'This is a field of the profile itself. Name a custom attribute.');

export const brazeOptions = z
  .strictObject({
    booleanAttribute: attributeName.optional().meta({
      description: 'A custom attribute that is true for members and false for who left.',
      examples: ['in_sports_fans'],
    }),
    arrayAttribute: attributeName.optional().meta({
      description: 'A custom attribute that lists the audiences of a person by their keys in the activation file.',
      examples: ['audiences'],
    }),
    subscriptionGroupId: z
      .guid()
      .optional()
      .meta({
        description:
          'A subscription group that members are subscribed to and others are not. It stands for consent to a channel, and applies to every profile with the same address.',
        examples: ['3f0a81ff-0000-4000-8000-000000000000'],
      }),
  })
  .refine(
    (options) => Object.values(options).filter((term) => term !== undefined).length === 1,
    'Write exactly one of booleanAttribute, arrayAttribute and subscriptionGroupId.',
  );

export type BrazeOptions = z.output<typeof brazeOptions>;
