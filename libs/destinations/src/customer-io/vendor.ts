import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { customerIoOptions } from './settings.ts';

/** Customer.io, as far as the connector uses it. */
export interface CustomerIoVendor extends StandInVendor {
  /** Who has this attribute, and it is true. */
  members(booleanAttribute: string): readonly string[];
  /** The attributes of the person with this identifier, member or not. */
  person(identifier: string): Readonly<Record<string, JsonValue>> | undefined;
  /** From now on it does not say which person it refuses. */
  nameNobody(): void;
}

export const startLocalCustomerIoVendor: StartLocalVendor = async () => {
  const vendor = await startCustomerIoVendor();
  return {
    settings: { baseUrl: vendor.origin },
    members: ({ options }) => vendor.members(customerIoOptions.parse(options).booleanAttribute),
    close: () => vendor.close(),
  };
};

/** Starts Customer.io on a free local port. */
export async function startCustomerIoVendor(): Promise<CustomerIoVendor> {
  const workspace = new Workspace();
  const server = await startVendorServer(
    (request) => workspace.answer(request),
    ({ method }) => method === 'GET',
  );
  return {
    ...server,
    member: (identity) => {
      // Memberships are true or false; what else there is was mapped.
      const entries = Object.entries(workspace.people.get(identity) ?? {});
      const mapped = entries.filter(([, value]) => typeof value !== 'boolean');
      return entries.some(([, value]) => value === true) ? Object.fromEntries(mapped) : undefined;
    },
    refuse: (identity) => void workspace.refused.add(identity),
    omit: (identity) => void workspace.refused.add(identity),
    answerWithError: (code) => {
      const answer = () => json(Number(code), { errors: [{ reason: 'refused', field: 'batch', message: 'refused' }] });
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    members: (name) => [...workspace.people].flatMap(([who, attributes]) => (attributes[name] === true ? [who] : [])),
    person: (identifier) => workspace.people.get(identifier),
    nameNobody: () => {
      workspace.namesPlaces = false;
    },
  };
}

const identifiers = z
  .strictObject({ id: z.string().optional(), email: z.string().optional(), cio_id: z.string().optional() })
  .transform(({ id, email, cio_id: own }) => id ?? email ?? own ?? '');
const identify = z.strictObject({
  type: z.literal('person'),
  identifiers,
  action: z.literal('identify'),
  attributes: z.object({ _update: z.boolean() }).catchall(z.json()),
});
const remove = z.strictObject({ type: z.literal('person'), identifiers, action: z.literal('delete') });
const batch = z.strictObject({ batch: z.array(z.discriminatedUnion('action', [identify, remove])).min(1) });

class Workspace {
  readonly people = new Map<string, Readonly<Record<string, JsonValue>>>();
  readonly refused = new Set<string>();
  namesPlaces = true;

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    const [, credentials = ''] = /^Basic (\S+)$/.exec(headers.authorization ?? '') ?? [];
    if (!/^[^:]+:.+$/.test(Buffer.from(credentials, 'base64').toString())) return json(401, {});
    if (`${method} ${url}` === 'GET /api/v1/accounts/region') {
      return json(200, { url: 'track.customer.io', data_center: 'us', environment_id: 1 });
    }
    if (`${method} ${url}` !== 'POST /api/v2/batch') return json(404, {});
    const parsed = body.length < 500_000 ? batch.safeParse(JSON.parse(body)) : undefined;
    if (parsed?.success !== true) return json(400, { errors: [{ reason: 'invalid', field: 'batch', message: body }] });
    const errors = parsed.data.batch.flatMap((operation, index) => {
      if (this.#apply(operation)) return [];
      const message = `${operation.identifiers} is not valid`;
      return [{ ...(this.namesPlaces && { batch_index: index }), reason: 'invalid', field: 'identifiers', message }];
    });
    return errors.length === 0 ? json(200, {}) : json(207, { errors: errors.reverse() });
  }

  /** Gives false when the operation is refused. */
  #apply(operation: z.output<typeof batch>['batch'][number]): boolean {
    const { identifiers: who } = operation;
    if (who === '' || this.refused.has(who)) return false;
    if (operation.action === 'delete') return this.people.delete(who) || true;
    const { _update: isUpdate, ...attributes } = operation.attributes;
    const person = this.people.get(who);
    if (person === undefined && isUpdate) return true;
    const merged = Object.entries({ ...person, ...attributes } as Record<string, JsonValue>);
    this.people.set(who, Object.fromEntries(merged.filter(([, value]) => value !== null && value !== '')));
    return true;
  }
}

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
