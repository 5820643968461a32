import { z } from 'zod';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { webhookSettings } from './settings.ts';

/** What a receiver may rely on in a request. */
const message = z.strictObject({
  type: z.literal('audience.changes'),
  timestamp: z.iso.datetime(),
  data: z.array(
    z.strictObject({
      id: z.string(),
      change: z.enum(['entered', 'updated', 'exited']),
      audience: z.strictObject({ key: z.string(), id: z.string(), namespace: z.string(), name: z.string().optional() }),
      identity: z.strictObject({ namespace: z.string(), value: z.string() }),
      qualifiedAt: z.iso.datetime(),
      attributes: z.record(z.string(), z.json()),
    }),
  ),
});

/** A receiver, which also knows who is in each audience. */
export interface WebhookVendor extends StandInVendor {
  /** Identities of the members of the audience with this key. */
  members(audience: string): readonly string[];
}

/** A signing secret has a form. */
const standInKey = `whsec_${Buffer.from('the key of the stand-in only').toString('base64')}`;

/** With a body of the file's own it takes whatever comes, and does not know whose change it is. */
export const startLocalWebhookVendor: StartLocalVendor = async ({ settings }) => {
  const { url, oauth, body, signingSecret, previousSigningSecret } = webhookSettings.parse(settings);
  const vendor = await startWebhookVendor({ takesAnyBody: body !== undefined });
  const path = typeof url === 'string' ? url.replace(/^https?:\/\/[^/?]+/, '') : '/hook';
  return {
    settings: {
      url: `${vendor.origin}${path}`,
      // The certificate is for the connection to the receiver itself.
      clientCertificate: undefined,
      ...(oauth !== undefined && {
        oauth: {
          ...(settings as { oauth: object }).oauth,
          tokenUrl: `${vendor.origin.replace('127.0.0.1', 'localhost')}/token`,
        },
      }),
    },
    secrets: {
      ...(signingSecret !== undefined && { signingSecret: standInKey }),
      ...(previousSigningSecret !== undefined && { previousSigningSecret: standInKey }),
    },
    members: ({ audience }) => vendor.members(audience),
    close: () => vendor.close(),
  };
};

/**
 * Starts a receiver on a free local port which keeps the members of the changes that it gets. It
 * refuses a body that is not exactly as the README says with 400, answers 204 when all is well, and
 * change by change, in another order than asked, when not.
 */
export async function startWebhookVendor({ takesAnyBody = false } = {}): Promise<WebhookVendor> {
  const members = new Map<string, Readonly<Record<string, JsonValue>>>();
  const audiences = new Map<string, Set<string>>();
  const refused = new Set<string>();
  const omitted = new Set<string>();
  const answer = (request: VendorRequest): VendorResponse => {
    if (request.url === '/token') return tokenAnswer;
    if (takesAnyBody) return { status: 204 };
    const parsed = message.safeParse(parse(request.body));
    if (request.method !== 'POST' || !parsed.success) return { status: 400 };
    const { data } = parsed.data;
    for (const { change, audience, identity, attributes } of data) {
      if (refused.has(identity.value)) continue;
      const inAudience = audiences.get(audience.key) ?? new Set();
      audiences.set(audience.key, inAudience);
      if (change === 'exited') {
        members.delete(identity.value);
        inAudience.delete(identity.value);
      } else {
        members.set(identity.value, attributes);
        inAudience.add(identity.value);
      }
    }
    if (!data.some(({ identity }) => refused.has(identity.value) || omitted.has(identity.value)))
      return { status: 204 };
    const results = data
      .filter(({ identity }) => !omitted.has(identity.value))
      .map(({ id, identity }) =>
        refused.has(identity.value)
          ? { id, status: 'rejected', reason: `unknown person ${identity.value}` }
          : { id, status: 'delivered' },
      );
    const body = JSON.stringify({ results: [{ id: 'of-somebody-else', status: 'rejected' }, ...results.reverse()] });
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  };
  const server = await startVendorServer(answer, ({ url }) => url === '/token');
  return {
    ...server,
    member: (identity) => members.get(identity),
    members: (audience) => [...(audiences.get(audience) ?? [])],
    refuse: (identity) => void refused.add(identity),
    omit: (identity) => void omitted.add(identity),
  };
}

const tokenAnswer: VendorResponse = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ token_type: 'Bearer', expires_in: 3600, access_token: 'webhook-token' }),
};

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
