import {
  type Change,
  DestinationError,
  encodeUrlText,
  formField,
  formFields,
  googleProfile,
  type HttpRequest,
} from '@activation-hub/destination-kit';
import type { GoogleSettings, GoogleOptions } from './settings.ts';

/** One of the ways in which Google may find a person. */
type UserIdentifier =
  | { readonly emailAddress: string }
  | { readonly phoneNumber: string }
  | {
      readonly address: {
        readonly givenName: string;
        readonly familyName: string;
        readonly regionCode: string;
        readonly postalCode: string;
      };
    };

/** What Google is told of one change. */
export interface GoogleRow {
  readonly id: string;
  readonly userIdentifiers: readonly UserIdentifier[];
}

const consentStatus = { granted: 'CONSENT_GRANTED', denied: 'CONSENT_DENIED' } as const;

export type GoogleRequests = ReturnType<typeof googleRequests>;

/** Describes the requests to the Data Manager API; credentials are added on their way. */
export function googleRequests(settings: GoogleSettings) {
  const { baseUrl, accountId, accountType, loginAccountId, loginAccountType, timeoutMs } = settings;
  const root = `${baseUrl.replace(/\/+$/, '')}/v1`;
  const loginAccount =
    loginAccountId === undefined ? undefined : { accountType: loginAccountType, accountId: loginAccountId };
  const request = (method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: unknown) => ({
    method,
    url: `${root}/${path}`,
    headers: { accept: 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    timeoutMs,
  });

  return {
    /** Adds persons to the user list, or removes them. */
    changeMembers: (
      direction: 'ingest' | 'remove',
      { userListId, consent }: GoogleOptions,
      rows: readonly GoogleRow[],
    ): HttpRequest =>
      request(
        'POST',
        `audienceMembers:${direction}`,
        { 'content-type': 'application/json' },
        {
          destinations: [
            {
              operatingAccount: { accountType, accountId },
              ...(loginAccount === undefined ? {} : { loginAccount }),
              productDestinationId: userListId,
            },
          ],
          audienceMembers: rows.map(({ userIdentifiers }) => ({ compositeData: { userData: { userIdentifiers } } })),
          ...(direction === 'remove'
            ? {}
            : {
                consent: {
                  adUserData: consentStatus[consent.adUserData],
                  adPersonalization: consentStatus[consent.adPersonalization],
                },
                termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' },
              }),
          encoding: 'HEX',
        },
      ),
    /** Asks what became of a request that was accepted. */
    readStatus: (requestId: string): HttpRequest =>
      request('GET', `requestStatus:retrieve?requestId=${encodeUrlText(requestId)}`, {}),
    readUserList: (userListId: string): HttpRequest =>
      request(
        'GET',
        `accountTypes/${accountType}/accounts/${accountId}/userLists/${userListId}`,
        loginAccount === undefined
          ? {}
          : { 'login-account': `accountTypes/${loginAccount.accountType}/accounts/${loginAccount.accountId}` },
      ),
  };
}

/**
 * What Google is told of a change, or why it cannot know the person. An attribute that has no value in Google's form is left
 * out, and so is an address that is not complete, for that fails the whole request. Throws `DestinationError` of class
 * `set-up` for an attribute that is mapped to something that is no identifier.
 */
export function rowOf(
  { id, identity, attributes }: Change,
  { identifiers, defaultCountry }: Pick<GoogleSettings, 'identifiers' | 'defaultCountry'>,
): GoogleRow | { readonly refusal: string } {
  const context = defaultCountry === undefined ? {} : { defaultCountry };
  const identifier = Object.hasOwn(identifiers, identity.namespace) ? identifiers[identity.namespace] : undefined;
  if (identifier === undefined) return { refusal: 'no identifier is set for this namespace' };
  const form = formField(googleProfile[identifier], identity.value, context);
  if (form.status === 'refused') return { refusal: form.reason };
  for (const name of Object.keys(attributes)) {
    if (!Object.hasOwn(googleProfile, name)) {
      throw new DestinationError(
        'set-up',
        `Failed to tell Google the attribute ${name}: it is no identifier of Customer Match. Map attributes to ${Object.keys(googleProfile).join(', ')}.`,
      );
    }
  }
  const { fields } = formFields(googleProfile, attributes, context);
  const { emailAddress, phoneNumber, givenName, familyName, regionCode, postalCode } = fields;
  const emails = new Set([identifier === 'emailAddress' ? form.value : undefined, emailAddress]);
  const phones = new Set([identifier === 'phoneNumber' ? form.value : undefined, phoneNumber]);
  const userIdentifiers: UserIdentifier[] = [];
  for (const email of emails) if (email !== undefined) userIdentifiers.push({ emailAddress: email });
  for (const phone of phones) if (phone !== undefined) userIdentifiers.push({ phoneNumber: phone });
  if (givenName !== undefined && familyName !== undefined && regionCode !== undefined && postalCode !== undefined) {
    userIdentifiers.push({ address: { givenName, familyName, regionCode, postalCode } });
  }
  return { id, userIdentifiers };
}

/** What of the identifiers that Google was told last holds no longer, and is to be removed: one row, or none when all of it does. */
export function vanishedRowsOf(
  change: Change,
  current: GoogleRow,
  settings: Pick<GoogleSettings, 'identifiers' | 'defaultCountry'>,
): readonly GoogleRow[] {
  if (change.previousAttributes === undefined) return [];
  // Attributes that are not mapped any more may be among them.
  const known = Object.entries(change.previousAttributes).filter(([name]) => Object.hasOwn(googleProfile, name));
  const earlier = rowOf({ ...change, attributes: Object.fromEntries(known) }, settings);
  if ('refusal' in earlier) return [];
  const kept = new Set(current.userIdentifiers.map((identifier) => JSON.stringify(identifier)));
  const vanished = earlier.userIdentifiers.filter((identifier) => !kept.has(JSON.stringify(identifier)));
  return vanished.length === 0 ? [] : [{ id: change.id, userIdentifiers: vanished }];
}
