import { z } from 'zod';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const userIdentifier = z.union([
  z.strictObject({ emailAddress: hash }),
  z.strictObject({ phoneNumber: hash }),
  z.strictObject({
    address: z.strictObject({ givenName: hash, familyName: hash, regionCode: z.string(), postalCode: z.string() }),
  }),
]);
const account = z.strictObject({ accountType: z.string(), accountId: z.string().regex(/^\d+$/) });
/** The body of `audienceMembers:remove`. */
export const removal = z.strictObject({
  destinations: z
    .array(
      z.strictObject({ operatingAccount: account, loginAccount: account.optional(), productDestinationId: z.string() }),
    )
    .length(1),
  audienceMembers: z
    .array(
      z.strictObject({
        compositeData: z
          .strictObject({ userData: z.strictObject({ userIdentifiers: z.array(userIdentifier).min(1).max(10) }) })
          .optional(),
        mobileData: z.strictObject({ mobileIds: z.array(z.uuid()).min(1).max(10) }).optional(),
        consent: z.record(z.string(), z.enum(['CONSENT_GRANTED', 'CONSENT_DENIED'])).optional(),
      }),
    )
    .min(1)
    .max(10_000),
  encoding: z.literal('HEX').optional(),
});
const consent = z.enum(['CONSENT_GRANTED', 'CONSENT_DENIED']);
/** The body of `audienceMembers:ingest`. */
export const ingestion = removal.extend({
  consent: z.strictObject({ adUserData: consent, adPersonalization: consent }),
  termsOfService: z.strictObject({ customerMatchTermsOfServiceStatus: z.literal('ACCEPTED') }),
});
export type Members = z.output<typeof removal>['audienceMembers'];

/** The body of the request that creates a user list. */
export const listBody = z.strictObject({
  displayName: z.string().min(1),
  description: z.string(),
  membershipDuration: z.string().regex(/^\d+s$/),
  ingestedUserListInfo: z.union([
    z.strictObject({
      uploadKeyTypes: z.tuple([z.literal('CONTACT_ID')]),
      contactIdInfo: z.strictObject({ dataSourceType: z.literal('DATA_SOURCE_TYPE_FIRST_PARTY') }),
    }),
    z.strictObject({
      uploadKeyTypes: z.tuple([z.literal('MOBILE_ID')]),
      mobileIdInfo: z.strictObject({
        dataSourceType: z.literal('DATA_SOURCE_TYPE_FIRST_PARTY'),
        keySpace: z.enum(['IOS', 'ANDROID']),
        appId: z.string().min(1),
      }),
    }),
  ]),
});
