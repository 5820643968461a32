export type { Change, ChangeKind, JsonValue } from './change.ts';
export { configuredUrl } from './configured-url.ts';
export { defineDestination } from './define-destination.ts';
export type { Connector, ConnectorContext, Delivery, DestinationDefinition, DestinationLimits } from './destination.ts';
export { errorForResponse } from './error-for-response.ts';
export {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
  type HttpResponse,
} from './http.ts';
export { createReasonGuard, type ReasonGuard } from './reason-guard.ts';
export { parseRetryAfter } from './retry-after.ts';
export { resolveSecrets, Secret, secret, secretsIn, type SecretReference, type ZodSecret } from './secret.ts';
export { DestinationError, type DestinationErrorClass, type Doubt, type Verdict } from './verdict.ts';
