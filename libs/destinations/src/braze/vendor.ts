import { z } from 'zod';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { type BrazeOptions, brazeOptions } from './settings.ts';

const user = z.looseObject({
  external_id: z.string().min(1).optional(),
  braze_id: z.string().min(1).optional(),
  email: z.string().min(1).optional(),
  phone: z
    .string()
    .regex(/^\+\d+$/)
    .optional(),
  user_alias: z.strictObject({ alias_name: z.string().min(1), alias_label: z.string().min(1) }).optional(),
  _update_existing_only: z.boolean(),
});
const track = z.strictObject({ attributes: z.array(user).min(1).max(75) });
const ofArray = z.union([
  z.strictObject({ add: z.array(z.string()) }),
  z.strictObject({ remove: z.array(z.string()) }),
]);
const subscriptions = z.array(
  z.strictObject({ subscription_group_id: z.guid(), subscription_state: z.enum(['subscribed', 'unsubscribed']) }),
);

/** Braze, as far as the connector uses it. */
export interface BrazeVendor extends StandInVendor {
  /**
   * Attributes of the profile with this identifier, memberships included; `undefined` when there is
   * none.
   */
  profile(identity: string): Readonly<Record<string, JsonValue>> | undefined;
  /** Identifiers of those who are members by these options. */
  members(audience: string, options: BrazeOptions): readonly string[];
  /** From now on errors name no row. */
  nameNoRows(): void;
  /** From now on everything is queued and answered 202, as during maintenance. */
  beginMaintenance(): void;
}

export const startLocalBrazeVendor: StartLocalVendor = async () => {
  const vendor = await startBrazeVendor();
  return {
    settings: { restUrl: vendor.origin },
    members: ({ audience, options }) => vendor.members(audience, brazeOptions.parse(options)),
    close: () => vendor.close(),
  };
};

/**
 * Starts a cluster on a free local port. A member is who has `in_sports_fans`. The answer comes
 * before anything is applied for sure, names refused rows by their place only, and calls a partial
 * failure a success.
 */
export async function startBrazeVendor(): Promise<BrazeVendor> {
  const cluster = new Cluster();
  const server = await startVendorServer((request) => cluster.answer(request));
  return {
    ...server,
    member: (identity) => {
      const { in_sports_fans: isMember, ...attributes } = cluster.profiles.get(identity) ?? {};
      return isMember === true ? attributes : undefined;
    },
    profile: (identity) => cluster.profiles.get(identity),
    members: (audience, options) =>
      [...cluster.profiles].flatMap(([identity, profile]) => (isMember(profile, audience, options) ? [identity] : [])),
    refuse: (identity) => void cluster.refused.add(identity),
    omit: () => undefined,
    answerWithError: (code) => {
      const answer = ({ body }: VendorRequest) => refusal(code ?? '', track.parse(parse(body)).attributes.length);
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    nameNoRows: () => {
      cluster.namesRows = false;
    },
    beginMaintenance: () => {
      cluster.isInMaintenance = true;
    },
  };
}

class Cluster {
  readonly profiles = new Map<string, Record<string, JsonValue>>();
  readonly refused = new Set<string>();
  namesRows = true;
  isInMaintenance = false;

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if (method !== 'POST' || url !== '/users/track') return json(404, { message: 'Invalid route' });
    if (!/^Bearer \S+$/.test(headers.authorization ?? '')) return json(401, { message: 'Invalid API key' });
    const parsed = track.safeParse(parse(body));
    if (!parsed.success) return json(400, { message: 'The request is malformed.' });
    const errors = parsed.data.attributes.flatMap((row, index) => {
      if (this.#apply(row)) return [];
      const type = `the identifier ${identityOf(row)} is not valid`;
      return [this.namesRows ? { type, input_array: 'attributes', index } : { type }];
    });
    if (this.isInMaintenance) return json(202, { message: 'queued' });
    const processed = parsed.data.attributes.length - errors.length;
    return json(201, { message: 'success', attributes_processed: processed, ...(errors.length > 0 && { errors }) });
  }

  /** Gives false when the row is refused. */
  #apply(row: z.output<typeof user>): boolean {
    const identity = identityOf(row);
    if (identity === '' || this.refused.has(identity)) return false;
    const profile = this.profiles.get(identity);
    if (profile === undefined && row._update_existing_only) return true;
    const next = { ...profile };
    // Beside another identifier, an address and a number are fields of the profile.
    const isField = (name: string) =>
      name === 'email' || name === 'phone' ? identity !== row[name] : !(name in user.shape);
    const attributes = Object.entries(row as Record<string, JsonValue>).filter(([name]) => isField(name));
    for (const [name, value] of attributes) {
      const array = ofArray.safeParse(value);
      const held = Array.isArray(next[name]) ? (next[name] as readonly string[]) : [];
      if (value === null) Reflect.deleteProperty(next, name);
      else if (name === 'subscription_groups') {
        for (const group of subscriptions.parse(value)) next[group.subscription_group_id] = group.subscription_state;
      } else if (!array.success) next[name] = value;
      else if ('add' in array.data) next[name] = [...new Set([...held, ...array.data.add])];
      else next[name] = held.filter((item) => 'remove' in array.data && !array.data.remove.includes(item));
    }
    this.profiles.set(identity, next);
    return true;
  }
}

function isMember(
  profile: Readonly<Record<string, JsonValue>>,
  audience: string,
  { booleanAttribute, arrayAttribute, subscriptionGroupId }: BrazeOptions,
): boolean {
  if (booleanAttribute !== undefined) return profile[booleanAttribute] === true;
  if (subscriptionGroupId !== undefined) return profile[subscriptionGroupId] === 'subscribed';
  const listed = profile[arrayAttribute ?? ''];
  return Array.isArray(listed) && listed.includes(audience);
}

function identityOf({
  external_id: own,
  braze_id: brazeId,
  email,
  phone,
  user_alias: alias,
}: z.output<typeof user>): string {
  return own ?? brazeId ?? alias?.alias_name ?? email ?? phone ?? '';
}

/** A code is a status, the message of a 400, or what is said of every row. */
function refusal(code: string, count: number): VendorResponse {
  if (Number(code) > 0) return json(Number(code), { message: 'refused' });
  if (!/^[A-Z_]+$/.test(code)) return json(400, { message: code });
  const errors = Array.from({ length: count }, (_, index) => ({ type: code, input_array: 'attributes', index }));
  return json(201, { message: 'success', attributes_processed: 0, errors });
}

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
