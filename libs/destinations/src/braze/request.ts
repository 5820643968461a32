import type { Change, ChangeKind, Delivery, HttpRequest, JsonValue } from '@activation-hub/destination-kit';
import type { BrazeSettings, BrazeOptions } from './settings.ts';
import { identifierNames } from './takes.ts';

/** One object of the array `attributes`. */
export type UserAttributes = Readonly<Record<string, JsonValue>>;

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

/** What Braze is told of one change. */
export function userAttributes(
  { change, options }: Delivery<BrazeOptions>,
  { identifiers, createProfiles }: BrazeSettings,
): UserAttributes {
  const { kind, identity, audience } = change;
  const identifier = identifiers[identity.namespace] ?? '';
  return {
    ...(typeof identifier === 'string'
      ? { [identifier]: identity.value }
      : { user_alias: { alias_name: identity.value, alias_label: identifier.aliasLabel } }),
    // Said always, for by default Braze creates or not as the identifier is.
    _update_existing_only: !(kind === 'entered' && createProfiles),
    ...own(change, typeof identifier === 'string' ? identifier : 'user_alias'),
    ...membership(kind, audience.key, options),
  };
}

/**
 * Which of `email` and `phone` would be taken for the identifier beside this one; beside the others
 * they are fields of the profile.
 */
const identifiersBeside: Readonly<Record<string, readonly string[]>> = { email: ['email'], phone: ['email', 'phone'] };

/**
 * The mapped attributes, without those that would name another person. Of an update only values
 * that differ from those in Braze: each value that is sent counts as a data point
 * (braze.com/docs/api/objects_filters/user_attributes_object).
 */
function own({ kind, attributes, previousAttributes, isInDoubt }: Change, identifier: string): UserAttributes {
  const hidden = new Set<string>([...identifierNames, ...(identifiersBeside[identifier] ?? [])]);
  const known = kind === 'updated' && isInDoubt !== true ? (previousAttributes ?? {}) : {};
  const isNew = (name: string, value: JsonValue) => JSON.stringify(known[name]) !== JSON.stringify(value);
  return Object.fromEntries(
    Object.entries(attributes).filter(([name, value]) => !hidden.has(name) && isNew(name, value)),
  );
}

/** Whether a row says more than whose it is. */
export function saysSomething(user: UserAttributes): boolean {
  return Object.keys(user).length > 2;
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
