export { afterPart } from './after-part.ts';
export { delivered, exitsOf, namelessRefusal, optionsOf, refusedPlaces, resultsInOrder, tellKnown } from './batch.ts';
export { inParts } from './in-parts.ts';
export { reading } from './reading.ts';
export { headerTextOf, type HttpSender, withBearerToken, withHeaders } from './authorized.ts';
export type { JsonValue } from '@activation-hub/audience-events';
export type { Change, ChangeKind } from './change.ts';
export {
  type ClientCredentials,
  type SignIn,
  tokenRequest,
  withClientCredentials,
  withSignIn,
} from './client-credentials.ts';
export { type ClientCertificate, clientCertificate } from './client-certificate.ts';
export { apiVersion, type ApiVersions, versionWarning } from './api-versions.ts';
export { configuredUrl } from './configured-url.ts';
export {
  accountErrorIn,
  codesIn,
  documentedErrors,
  errorFor,
  errorOfAnswer,
  httpErrors,
  type ListedErrors,
  rowsOf,
  setUpErrors,
  isOfAccount,
  type DocumentedError,
  type DocumentedErrors,
} from './documented-error.ts';
export { attributesOf, type DescribedField, hashed, sentenceOf, takesIn } from './described-field.ts';
export { encodeUrlText } from './encode-url-text.ts';
export { defineDestination } from './define-destination.ts';
export type {
  Comparison,
  Connector,
  ConnectorContext,
  Delivery,
  DestinationDefinition,
  DestinationLimits,
} from './destination.ts';
export { formed, refused, type FormedValue } from './formed-value.ts';
export {
  attributesBeside,
  formedIdentities,
  formId,
  identifierOf,
  type Identifiers,
  identifiersAmong,
  identifiersSetting,
  identitiesBy,
  identityBy,
  identityIn,
  kindsOf,
  noIdentifier,
} from './identifiers.ts';
export { errorForResponse } from './error-for-response.ts';
export { createHttpClient, type HttpClient, type HttpClientOptions } from './http.ts';
export type { HttpRequest, HttpResponse } from './http-message.ts';
export { googleProfile, metaProfile, plainProfile } from './personal-data.ts';
export { formField, formFields, type FieldContext, type FormedFields, type PersonalField } from './personal-field.ts';
export { personIds, removedFirst } from './person-ids.ts';
export { proxySettings, type ProxySettings } from './proxies.ts';
export { type Quota, quotaShare, withinQuota } from './quota.ts';
export { readAnswer } from './read-answer.ts';
export { createReasonGuard, type ReasonGuard } from './reason-guard.ts';
export { CachedLookup } from './cached-lookup.ts';
export { type DescribeRequest, jsonRequest, jsonRequests, withoutSlash } from './json-request.ts';
export { type ListBatch, listConnector } from './list-connector.ts';
export { listOptions } from './list-options.ts';
export { type FoundList, type ListDescription, type ListOptions, type ListPage, ListsByName } from './lists-by-name.ts';
export { type Choice, ListGone, type ListRules, NamedLists } from './named-lists.ts';
export { type RefreshToken, refreshTokenSettings, withRefreshToken } from './refresh-token.ts';
export { requestTimeout } from './request-timeout.ts';
export { parseRetryAfter } from './retry-after.ts';
export { resolveSecrets, Secret, secret, secretsIn, type SecretReference, type ZodSecret } from './secret.ts';
export { defaultCountry, digits, mayCreate, membershipDays, storedSecret, vendorUrl } from './settings-pieces.ts';
export { refusalOfAttribute, takesIdentity, type Takes } from './takes.ts';
export { assertionKey, signedAssertion, type AssertionAlgorithm } from './signed-assertion.ts';
export { DestinationError, type DestinationErrorClass, type Doubt, type Verdict } from './verdict.ts';
export { type AnswerRules, VendorApi, vendorError } from './vendor-api.ts';
