import type { Change, ChangeKind, Delivery, HttpRequest, JsonValue } from '@activation-hub/destination-kit';
import type { BrazeSettings, BrazeOptions } from './settings.ts';

/** One object of the array `attributes`. */
export type UserAttributes = Readonly<Record<string, JsonValue>>;

/** Names that are not attributes of a person but say which person is meant. */
const identifierNames = new Set(['external_id', 'braze_id', 'email', 'phone', 'user_alias', '_update_existing_only']);

/** Describes the request that tells of these persons; credentials are added on its way. */
export function trackRequest(
  { restUrl, timeoutMs }: BrazeSettings,
  attributes: readonly UserAttributes[],
): HttpRequest {
  return {
    method: 'POST',
    url: `${restUrl.replace(/\/+$/, '')}/users/track`,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({ attributes }),
    timeoutMs,
  };
}

/** What Braze is told of one change; `undefined` when no identifier is set for its namespace. */
export function userAttributes(
  { change, options }: Delivery<BrazeOptions>,
  { identifiers, createProfiles }: BrazeSettings,
): UserAttributes | undefined {
  const { kind, identity, audience } = change;
  const identifier = new Map(Object.entries(identifiers)).get(identity.namespace);
  if (identifier === undefined) return undefined;
  return {
    ...(typeof identifier === 'string'
      ? { [identifier]: identity.value }
      : { user_alias: { alias_name: identity.value, alias_label: identifier.aliasLabel } }),
    // Said always, for by default Braze creates or not as the identifier is.
    _update_existing_only: !(kind === 'entered' && createProfiles),
    ...own(change),
    ...membership(kind, audience.key, options),
  };
}

/** The mapped attributes, without those that would say that it is somebody else. */
function own({ attributes }: Change): UserAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !identifierNames.has(name)));
}

/** Nothing for who stays a member: each value that is sent counts as a data point. */
function membership(kind: ChangeKind, audienceKey: string, options: BrazeOptions): UserAttributes {
  if (kind === 'updated') return {};
  const isMember = kind === 'entered';
  if (options.booleanAttribute !== undefined) return { [options.booleanAttribute]: isMember };
  if (options.arrayAttribute !== undefined) {
    return { [options.arrayAttribute]: isMember ? { add: [audienceKey] } : { remove: [audienceKey] } };
  }
  const state = isMember ? 'subscribed' : 'unsubscribed';
  const group = { subscription_group_id: options.subscriptionGroupId ?? '', subscription_state: state };
  return { subscription_groups: [group] };
}
