import { z } from 'zod';
import {
  defaultCountry,
  identifiersAmong,
  membershipDays,
  requestTimeout,
  storedSecret,
  vendorUrl,
} from '@activation-hub/destination-kit';

const accountId = z.string().regex(/^\d{1,20}$/, 'Write the digits of the account id, in quotes and without dashes.');
const accountType = z.enum(['GOOGLE_ADS', 'DISPLAY_VIDEO_PARTNER', 'DISPLAY_VIDEO_ADVERTISER']);

export const googleSettings = z.strictObject({
  serviceAccountKey: storedSecret(
    'google-service-account-key',
    'The JSON key of a service account, whole. Its e-mail address must be a user of the account, and the Data Manager API enabled in its project.',
  ),
  accountId: accountId.meta({
    description: 'The account that has the user lists, digits only.',
    examples: ['1234567890'],
  }),
  accountType: accountType
    .default('GOOGLE_ADS')
    .meta({ description: 'What kind of account that is.', examples: ['DISPLAY_VIDEO_ADVERTISER'] }),
  loginAccountId: accountId.optional().meta({
    description:
      'The manager account of which the service account is a user, where it is no user of the account itself.',
    examples: ['1112223333'],
  }),
  loginAccountType: accountType
    .default('GOOGLE_ADS')
    .meta({ description: 'What kind of account the manager account is.', examples: ['DISPLAY_VIDEO_PARTNER'] }),
  customerMatchOptions: z.literal('accepted').meta({
    description:
      "Says to Google, with each request, that the terms of service of Customer Match were accepted: a person's statement, which has no default.",
    examples: ['accepted'],
  }),
  identifiers: identifiersAmong(
    ['emailAddress', 'phoneNumber', 'mobileId'],
    'the identifier by which Google matches it: emailAddress or phoneNumber (hashed here, unless they are SHA-256 already), or mobileId (IDFA or Android advertising id), which only lists of mobile ids take.',
    { email: 'emailAddress', phone: 'phoneNumber', idfa: 'mobileId', gaid: 'mobileId' },
  ),
  defaultCountry: defaultCountry(),
  askAfterMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(1_800_000)
    .meta({
      description:
        'How long after a batch was accepted the hub polls Google for its result, in milliseconds. Google asks for 30 minutes.',
      examples: [3_600_000],
    }),
  baseUrl: vendorUrl('https://datamanager.googleapis.com', 'Where the Data Manager API is.'),
  tokenUrl: vendorUrl('https://oauth2.googleapis.com/token', 'Where the service account signs in.'),
  timeoutMs: requestTimeout(30_000),
});

export type GoogleSettings = z.output<typeof googleSettings>;

const consent = z.enum(['granted', 'denied']);

export const googleOptions = z
  .strictObject({
    userListId: z
      .string()
      .regex(/^\d{1,20}$/, 'Write the digits of the user list id, in quotes.')
      .optional()
      .meta({ description: 'Id of a user list for customer contact data, digits only.', examples: ['9876543210'] }),
    userList: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'Name of the user list, instead of its id.', examples: ['Sports Fans'] }),
    createUserList: z
      .boolean()
      .default(false)
      .meta({ description: 'Creates the user list when there is none of this name.', examples: [true] }),
    holds: z
      .enum(['contact-data', 'mobile-ids'])
      .default('contact-data')
      .meta({ description: 'What the user list is of. A list takes one kind only.', examples: ['mobile-ids'] }),
    mobileApp: z
      .strictObject({
        system: z.enum(['ios', 'android']).meta({ description: 'Of which devices the ids are.', examples: ['ios'] }),
        appId: z
          .string()
          .min(1)
          .max(200)
          .meta({
            description: 'The app from which the ids come: its number in the App Store, or its package name.',
            examples: ['476943146'],
          }),
      })
      .optional()
      .meta({
        description: 'Needed to create a list of mobile ids.',
        examples: [{ system: 'ios', appId: '476943146' }],
      }),
    membershipDays: membershipDays('user list', 540, '540 at most', 90),
    consent: z
      .strictObject({
        adUserData: consent.meta({
          description: 'Whether the persons have agreed that their data is sent to Google for advertising.',
          examples: ['granted'],
        }),
        adPersonalization: consent.meta({
          description: 'Whether the persons have agreed to personalised advertising.',
          examples: ['granted'],
        }),
      })
      .meta({
        description:
          'The consent that Google receives for every person whom this route adds, unless the person has an attribute adUserData or adPersonalization that says it. Name the attribute of that consent under consent of the audience, so that only those who agreed are added.',
        examples: [{ adUserData: 'granted', adPersonalization: 'granted' }],
      }),
  })
  .refine(
    ({ userListId, userList }) => (userListId === undefined) !== (userList === undefined),
    'Write either userListId or userList.',
  )
  .refine(
    ({ userList, createUserList }) => userList !== undefined || !createUserList,
    'A user list by id cannot be created. Use userList.',
  )
  .refine(
    ({ createUserList, holds, mobileApp }) => (createUserList && holds === 'mobile-ids') === (mobileApp !== undefined),
    'Write mobileApp together with createUserList: true and holds: mobile-ids, and only then.',
  );

export type GoogleOptions = z.output<typeof googleOptions>;
