import {
  type Change,
  DestinationError,
  encodeUrlText,
  formField,
  formFields,
  googleProfile,
  type HttpRequest,
  identifierOf,
  noIdentifier,
} from '@activation-hub/destination-kit';
import type { GoogleSettings, GoogleOptions } from './settings.ts';

/** One of the ways in which Google may find a person. */
type UserIdentifier =
  | { readonly emailAddress: string }
  | { readonly phoneNumber: string }
  | { readonly mobileId: string }
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
  /** The person's own consent, which overrides that of the options. */
  readonly consent?: Readonly<Partial<Record<keyof typeof consentAttributes, ConsentStatus>>>;
}

type ConsentStatus = 'CONSENT_GRANTED' | 'CONSENT_DENIED';
const consentAttributes = { adUserData: true, adPersonalization: true } as const;
/** Identifiers of one person, at most (TOO_MANY_USER_IDENTIFIERS). */
const identifiersMax = 10;

const firstParty = { dataSourceType: 'DATA_SOURCE_TYPE_FIRST_PARTY' };
const consentStatus = { granted: 'CONSENT_GRANTED', denied: 'CONSENT_DENIED' } as const;

export type GoogleRequests = ReturnType<typeof googleRequests>;

/** Describes the requests to the Data Manager API; credentials are added on their way. */
export function googleRequests(settings: GoogleSettings) {
  const { baseUrl, accountId, accountType, loginAccountId, loginAccountType, timeoutMs } = settings;
  const root = `${baseUrl.replace(/\/+$/, '')}/v1`;
  const loginAccount =
    loginAccountId === undefined ? undefined : { accountType: loginAccountType, accountId: loginAccountId };
  const userLists = `accountTypes/${accountType}/accounts/${accountId}/userLists`;
  const asManager: Readonly<Record<string, string>> =
    loginAccount === undefined
      ? {}
      : { 'login-account': `accountTypes/${loginAccount.accountType}/accounts/${loginAccount.accountId}` };
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
      userListId: string,
      { consent, holds }: GoogleOptions,
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
          audienceMembers: rows.map(({ userIdentifiers, consent: own }) => ({
            ...(holds === 'mobile-ids'
              ? { mobileData: { mobileIds: userIdentifiers.flatMap((each) => Object.values(each) as unknown[]) } }
              : { compositeData: { userData: { userIdentifiers } } }),
            ...(direction === 'ingest' && own !== undefined
              ? {
                  consent: {
                    adUserData: consentStatus[consent.adUserData],
                    adPersonalization: consentStatus[consent.adPersonalization],
                    ...own,
                  },
                }
              : {}),
          })),
          ...(direction === 'remove'
            ? {}
            : {
                consent: {
                  adUserData: consentStatus[consent.adUserData],
                  adPersonalization: consentStatus[consent.adPersonalization],
                },
                termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' },
              }),
          ...(holds === 'contact-data' && { encoding: 'HEX' }),
        },
      ),
    /** Polls the result of an accepted request. */
    readStatus: (requestId: string): HttpRequest =>
      request('GET', `requestStatus:retrieve?requestId=${encodeUrlText(requestId)}`, {}),
    readUserList: (userListId: string): HttpRequest => request('GET', `${userLists}/${userListId}`, asManager),
    /** Finds user lists by their name (AIP-160). */
    findUserLists: (name: string): HttpRequest =>
      request(
        'GET',
        `${userLists}?pageSize=2&filter=${encodeUrlText(`display_name = ${JSON.stringify(name)}`)}`,
        asManager,
      ),
    /** As google/ads/datamanager/v1/user_list.proto has it (github.com/googleapis/googleapis). */
    createUserList: ({ userList, membershipDays, mobileApp }: GoogleOptions): HttpRequest =>
      request(
        'POST',
        userLists,
        { 'content-type': 'application/json', ...asManager },
        {
          displayName: userList,
          description: 'Kept by Activation Hub',
          membershipDuration: `${membershipDays * 86_400}s`,
          ingestedUserListInfo:
            mobileApp === undefined
              ? { uploadKeyTypes: ['CONTACT_ID'], contactIdInfo: firstParty }
              : {
                  uploadKeyTypes: ['MOBILE_ID'],
                  mobileIdInfo: { ...firstParty, keySpace: mobileApp.system.toUpperCase(), appId: mobileApp.appId },
                },
        },
      ),
  };
}

/**
 * What Google is told of a change, or why it cannot know the person. An attribute that has no value
 * in Google's form is left out, and so is an address that is not complete, for that fails the whole
 * request. Throws `DestinationError` of class `set-up` for an attribute that is mapped to something
 * that is no identifier.
 */
export function rowOf(
  { id, identity, attributes }: Change,
  { identifiers, defaultCountry }: IdentifierSettings,
  { holds }: Pick<GoogleOptions, 'holds'>,
): GoogleRow | { readonly refusal: string } {
  const context = { defaultCountry };
  const identifier = identifierOf(identifiers, identity.namespace);
  if (identifier === undefined) return { refusal: noIdentifier };
  if ((identifier === 'mobileId') !== (holds === 'mobile-ids')) return { refusal: `the user list is of ${holds}` };
  const form = formField(googleProfile[identifier], identity.value, context);
  if (form.status === 'refused') return { refusal: form.reason };
  for (const name of Object.keys(attributes)) {
    if (!Object.hasOwn(googleProfile, name) && !Object.hasOwn(consentAttributes, name)) {
      throw new DestinationError(
        'set-up',
        `Failed to tell Google the attribute ${name}: it is no identifier of Customer Match. Map attributes to ${Object.keys(googleProfile).join(', ')}.`,
      );
    }
  }
  /** Of one value, or of each of a list; the identity before others of its kind. */
  const formsOf = (name: 'emailAddress' | 'phoneNumber' | 'mobileId'): readonly string[] => {
    const values = [attributes[name] ?? []].flat();
    const forms = values.map((value) => formField(googleProfile[name], value, context));
    const formed = forms.flatMap((each) => (each.status === 'formed' ? [each.value] : []));
    return [...new Set([...(identifier === name ? [form.value] : []), ...formed])];
  };
  const all: UserIdentifier[] =
    holds === 'mobile-ids'
      ? formsOf('mobileId').map((mobileId) => ({ mobileId }))
      : [
          ...formsOf('emailAddress').map((emailAddress) => ({ emailAddress })),
          ...formsOf('phoneNumber').map((phoneNumber) => ({ phoneNumber })),
          ...addressIn(attributes),
        ];
  // The identity stays, whatever is cut.
  const isIdentity = (each: UserIdentifier) => Object.values(each).includes(form.value);
  const userIdentifiers = [...all.filter(isIdentity), ...all.filter((each) => !isIdentity(each))].slice(
    0,
    identifiersMax,
  );
  const inOrder = all.filter((each) => userIdentifiers.includes(each));
  const consent = consentOf(attributes);
  return { id, userIdentifiers: inOrder, ...(consent === undefined ? {} : { consent }) };
}

type IdentifierSettings = Pick<GoogleSettings, 'identifiers' | 'defaultCountry'>;

/** The address of a person, when all of it is there. */
function addressIn(attributes: Change['attributes']): readonly UserIdentifier[] {
  const { givenName, familyName, regionCode, postalCode } = formFields(googleProfile, attributes).fields;
  const isWhole =
    givenName !== undefined && familyName !== undefined && regionCode !== undefined && postalCode !== undefined;
  return isWhole ? [{ address: { givenName, familyName, regionCode, postalCode } }] : [];
}

/**
 * What AEP's consent fields write for a yes, and what others do; anything else is none
 * (experienceleague.adobe.com, "Consents and Preferences").
 */
const yes = new Set(['y', 'dy', 'vy', 'yes', 'true', 'granted', 'consent_granted']);

/** What attributes say of the consent of one person; `undefined` where none does. */
function consentOf(attributes: Change['attributes']): GoogleRow['consent'] {
  const said = Object.keys(consentAttributes).flatMap((name): [string, ConsentStatus][] => {
    const value = attributes[name];
    if (value === undefined || value === null) return [];
    const isYes = typeof value !== 'object' && yes.has(String(value).toLowerCase());
    return [[name, isYes ? 'CONSENT_GRANTED' : 'CONSENT_DENIED']];
  });
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

/**
 * The identifiers that Google has and that the person no longer has, for removal: one row, or none.
 */
export function vanishedRowsOf(
  change: Change,
  current: GoogleRow,
  settings: IdentifierSettings,
  options: Pick<GoogleOptions, 'holds'>,
): readonly GoogleRow[] {
  if (change.previousAttributes === undefined) return [];
  // Attributes that are not mapped any more may be among them.
  const known = Object.entries(change.previousAttributes).filter(([name]) => Object.hasOwn(googleProfile, name));
  const earlier = rowOf({ ...change, attributes: Object.fromEntries(known) }, settings, options);
  if ('refusal' in earlier) return [];
  const kept = new Set(current.userIdentifiers.map((identifier) => JSON.stringify(identifier)));
  const vanished = earlier.userIdentifiers.filter((identifier) => !kept.has(JSON.stringify(identifier)));
  return vanished.length === 0 ? [] : [{ id: change.id, userIdentifiers: vanished }];
}
