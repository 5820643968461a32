import { z } from 'zod';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { hubspotSettings, hubspotOptions } from './settings.ts';

const values = z.record(z.string(), z.string());
const upsertBody = z.strictObject({
  inputs: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        idProperty: z.string(),
        properties: values,
        objectWriteTraceId: z.string().optional(),
      }),
    )
    .max(100),
});
const updateBody = z.strictObject({
  inputs: z
    .array(z.strictObject({ id: z.string().regex(/^\d+$/), properties: values, objectWriteTraceId: z.string() }))
    .max(100),
});
const readBody = z.strictObject({
  idProperty: z.string(),
  inputs: z.array(z.strictObject({ id: z.string() })).max(100),
  properties: z.array(z.string()),
  propertiesWithHistory: z.array(z.string()),
});
const listBody = z.strictObject({ name: z.string(), objectTypeId: z.string(), processingType: z.string() });
const memberBody = z.array(z.string().regex(/^\d+$/)).max(250);

interface List {
  readonly listId: string;
  readonly name: string;
  readonly objectTypeId: string;
  readonly processingType: string;
  /** Set when it was deleted; HubSpot still finds it then (HubSpot/hubspot-api-php, issue 486). */
  readonly deletedAt?: string;
}

/** HubSpot, as far as the connector uses it. */
export interface HubspotVendor extends StandInVendor {
  /** A list that a user makes in HubSpot itself; gives its id. */
  addList(list: Omit<List, 'listId'> & { readonly listId?: string }): string;
  /** What these properties of the members of the list with this name or id hold. */
  members(list: string, properties: readonly string[]): readonly string[];
  deleteList(listId: string): void;
  /** Names of all lists. */
  readonly lists: readonly string[];
  /** Another address of the contact with this one. */
  addAddress(email: string, other: string): void;
  /**
   * From now on refuses every batch of contacts of this identity without saying which contact it
   * is.
   */
  refuseWithoutName(identity: string): void;
  /** From now on the contact with this identity is deleted as soon as it was upserted. */
  deleteAfterUpsert(identity: string): void;
  /** Whether there is a contact with this identity, member of a list or not. */
  hasContact(identity: string): boolean;
}

export const startLocalHubspotVendor: StartLocalVendor = async ({ settings, routes }) => {
  const identifiers = Object.values(hubspotSettings.parse(settings).identifiers);
  const vendor = await startHubspotVendor();
  for (const { options } of routes) {
    const { list, listId, createList } = hubspotOptions.parse(options);
    const isThere = list !== undefined && vendor.lists.includes(list);
    if (isThere || createList) continue;
    const named = { name: list ?? `List ${listId ?? ''}`, objectTypeId: '0-1', processingType: 'MANUAL' };
    vendor.addList({ ...named, ...(listId !== undefined && { listId }) });
  }
  return {
    settings: { baseUrl: vendor.origin },
    members: ({ options }) => {
      const { list, listId } = hubspotOptions.parse(options);
      return vendor.members(list ?? listId ?? '', identifiers);
    },
    close: () => vendor.close(),
  };
};

/**
 * Starts HubSpot on a free local port, with a static list called Sports Fans. Answers come in
 * another order than asked.
 */
export async function startHubspotVendor(): Promise<HubspotVendor> {
  const state = new HubspotState();
  const server = await startVendorServer(
    (request) => {
      const answer = state.answer(request);
      const left = state.isQuotaNearlyUsed ? 12_500 : 600_000;
      const usage = { 'x-hubspot-ratelimit-daily': '625000', 'x-hubspot-ratelimit-daily-remaining': String(left) };
      return { ...answer, headers: { ...answer.headers, ...usage } };
    },
    ({ method, url }) =>
      method === 'GET' || url.endsWith('/batch/read') || (method === 'POST' && url.includes('lists')),
  );
  state.addList({ name: 'Sports Fans', objectTypeId: '0-1', processingType: 'MANUAL' });
  return {
    ...server,
    member: (identity) => state.member(identity),
    refuse: (identity) => void state.refused.add(identity),
    omit: (identity) => void state.omitted.add(identity),
    answerWithError: (code) => {
      const answer = () => failed(httpStatuses.get(code ?? '') ?? statusOf(code ?? ''), code ?? '');
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    // For the whole batch, whichever contact it is (github.com/airbytehq/airbyte/pull/76340).
    poison: (naming) => server.setFault({ kind: 'answer', naming, answer: () => failed(409, 'CONFLICT') }),
    forgetPerson: (identity) => state.deleteContact(identity),
    sayQuotaIsNearlyUsed: (isNearlyUsed) => {
      state.isQuotaNearlyUsed = isNearlyUsed;
    },
    addList: (list) => state.addList(list),
    members: (list, properties) => state.members(list, properties),
    deleteList: (listId) => void state.lists.delete(listId),
    get lists() {
      return [...state.lists.values()].map(({ name }) => name);
    },
    addAddress: (email, other) => state.addAddress(email, other),
    refuseWithoutName: (identity) => void state.refusedWithoutName.add(identity),
    deleteAfterUpsert: (identity) => void state.deleted.add(identity),
    hasContact: (identity) => state.find('email', identity) !== undefined,
  };
}

class HubspotState {
  isQuotaNearlyUsed = false;
  readonly lists = new Map<string, List & { readonly members: Set<string> }>();
  readonly refused = new Set<string>();
  readonly refusedWithoutName = new Set<string>();
  readonly omitted = new Set<string>();
  readonly deleted = new Set<string>();
  readonly #contacts = new Map<string, Record<string, string>>();
  #lastId = 100;

  addList(list: Omit<List, 'listId'> & { readonly listId?: string }): string {
    const listId = list.listId ?? this.#nextId();
    this.lists.set(listId, { ...list, listId, members: new Set() });
    return listId;
  }

  addAddress(email: string, other: string): void {
    const contact = this.find('email', email);
    if (contact !== undefined) contact[1].hs_additional_emails = other;
  }

  /** With its memberships. */
  deleteContact(email: string): void {
    const id = this.find('email', email)?.[0];
    if (id === undefined) return;
    this.#contacts.delete(id);
    for (const { members } of this.lists.values()) members.delete(id);
  }

  member(identity: string): Readonly<Record<string, JsonValue>> | undefined {
    const contact = this.find('email', identity);
    if (contact === undefined) return undefined;
    const [id, { email, ...attributes }] = contact;
    return email !== undefined && [...this.lists.values()].some(({ members }) => members.has(id))
      ? attributes
      : undefined;
  }

  members(nameOrId: string, properties: readonly string[]): readonly string[] {
    const list = this.lists.get(nameOrId) ?? [...this.lists.values()].find(({ name }) => name === nameOrId);
    return [...(list?.members ?? [])].flatMap((id) =>
      properties.flatMap((name) => this.#contacts.get(id)?.[name] ?? []),
    );
  }

  find(property: string, value: string): readonly [id: string, properties: Record<string, string>] | undefined {
    return [...this.#contacts].find(
      ([, properties]) =>
        properties[property]?.toLowerCase() === value.toLowerCase() ||
        (property === 'email' && properties.hs_additional_emails?.toLowerCase() === value.toLowerCase()),
    );
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if (!/^Bearer \S+$/.test(headers.authorization ?? '')) return failed(401, 'INVALID_AUTHENTICATION');
    const path = url
      .replace(/^\/crm\/(v3\/lists|lists\/\d{4}-\d{2})/, '/lists')
      .replace(/^\/crm\/(v3\/objects\/contacts|objects\/\d{4}-\d{2}\/contacts)/, '/contacts');
    const [, name] = /^\/lists\/object-type-id\/0-1\/name\/([^/]+)$/.exec(path) ?? [];
    if (method === 'GET' && name !== undefined) return this.#listAnswer(this.#listByName(decodeURIComponent(name)));
    const [, listId, direction] = /^\/lists\/(\d+)(?:\/memberships\/(add|remove))?$/.exec(path) ?? [];
    const list = listId === undefined ? undefined : this.lists.get(listId);
    if (method === 'GET' && listId !== undefined) return this.#listAnswer(list);
    if (method === 'PUT' && direction !== undefined) return this.#changeMembers(direction, list, body);
    if (method === 'POST' && path === '/lists') return this.#createList(body);
    if (method === 'POST' && path === '/contacts/batch/upsert') return this.#upsert(body);
    if (method === 'POST' && path === '/contacts/batch/update') return this.#update(body);
    if (method === 'POST' && path === '/contacts/batch/read') return this.#read(body);
    return failed(404, 'OBJECT_NOT_FOUND');
  }

  #listByName(name: string): List | undefined {
    return [...this.lists.values()].find((list) => list.name.toLowerCase() === name.toLowerCase());
  }

  #listAnswer(list: List | undefined): VendorResponse {
    if (list === undefined) return failed(404, 'OBJECT_NOT_FOUND');
    const { listId, name, objectTypeId, processingType, deletedAt } = list;
    return json(200, { list: { listId, name, objectTypeId, processingType, deletedAt, size: 0 } });
  }

  #createList(body: string): VendorResponse {
    const list = listBody.safeParse(parse(body));
    if (!list.success || this.#listByName(list.data.name)) return failed(400, 'VALIDATION_ERROR');
    return this.#listAnswer(this.lists.get(this.addList(list.data)));
  }

  #changeMembers(
    direction: string,
    list: (List & { readonly members: Set<string> }) | undefined,
    body: string,
  ): VendorResponse {
    const ids = memberBody.safeParse(parse(body));
    if (list === undefined) return failed(404, 'OBJECT_NOT_FOUND');
    if (!ids.success || list.processingType === 'DYNAMIC') return failed(400, 'VALIDATION_ERROR');
    const known = ids.data.filter((id) => this.#contacts.has(id));
    const changed = known.filter((id) => list.members.has(id) === (direction === 'remove'));
    for (const id of changed) {
      if (direction === 'add') list.members.add(id);
      else list.members.delete(id);
    }
    return json(200, {
      recordsIdsAdded: direction === 'add' ? changed : [],
      recordsIdsRemoved: direction === 'remove' ? changed : [],
      recordIdsMissing: ids.data.filter((id) => !this.#contacts.has(id)),
    });
  }

  #upsert(body: string): VendorResponse {
    const parsed = upsertBody.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'VALIDATION_ERROR');
    const { inputs } = parsed.data;
    if (new Set(inputs.map(({ id }) => id.toLowerCase())).size < inputs.length) return failed(400, 'VALIDATION_ERROR');
    const nameless = inputs.some(({ id }) => this.refusedWithoutName.has(id));
    const bad = inputs.filter(({ id }) => this.refused.has(id));
    const errors = bad.map(({ id, objectWriteTraceId }) => ({
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: `Property values were not valid: ${id}`,
      context: objectWriteTraceId === undefined ? { ids: [id] } : { objectWriteTraceId: [objectWriteTraceId] },
    }));
    const results = inputs
      .filter(({ id }) => !this.refused.has(id) && !this.refusedWithoutName.has(id))
      .flatMap(({ id, idProperty, properties, objectWriteTraceId }) => {
        const found = this.find(idProperty, id);
        const contact = found ?? [this.#nextId(), { [idProperty]: id }];
        const merged = { ...contact[1], ...properties };
        if (!this.deleted.has(id)) this.#contacts.set(contact[0], merged);
        const result = { id: contact[0], new: found === undefined, properties: merged, objectWriteTraceId };
        return this.omitted.has(id) ? [] : [result];
      });
    if (nameless) errors.push({ status: 'error', category: 'VALIDATION_ERROR', message: 'no', context: { ids: [] } });
    const status = errors.length === 0 ? 200 : 207;
    return json(status, { status: 'COMPLETE', results: results.reverse(), ...(status === 207 && { errors }) });
  }

  #update(body: string): VendorResponse {
    const parsed = updateBody.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'VALIDATION_ERROR');
    const { inputs } = parsed.data;
    const results = inputs.flatMap(({ id, properties, objectWriteTraceId }) => {
      const contact = this.#contacts.get(id);
      if (contact === undefined) return [];
      const merged = { ...contact, ...properties };
      this.#contacts.set(id, merged);
      return [{ id, properties: merged, objectWriteTraceId }];
    });
    const ids = inputs.map(({ id }) => id).filter((id) => !this.#contacts.has(id));
    const errors = [{ status: 'error', category: 'OBJECT_NOT_FOUND', message: 'Could not find', context: { ids } }];
    const hasErrors = ids.length > 0;
    return json(hasErrors ? 207 : 200, {
      status: 'COMPLETE',
      results: results.reverse(),
      ...(hasErrors && { errors }),
    });
  }

  #read(body: string): VendorResponse {
    const parsed = readBody.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'VALIDATION_ERROR');
    const { idProperty, inputs, properties } = parsed.data;
    const results = inputs.flatMap(({ id }) => {
      const contact = this.find(idProperty, id);
      if (contact === undefined) return [];
      return [
        { id: contact[0], properties: Object.fromEntries(properties.map((name) => [name, contact[1][name] ?? null])) },
      ];
    });
    const ids = inputs.map(({ id }) => id).filter((id) => this.find(idProperty, id) === undefined);
    const errors = [
      { status: 'error', category: 'OBJECT_NOT_FOUND', message: 'Could not get some contacts', context: { ids } },
    ];
    return json(ids.length === 0 ? 200 : 207, {
      status: 'COMPLETE',
      results: results.reverse(),
      ...(ids.length > 0 && { errors }),
    });
  }

  #nextId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }
}

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Of the categories; what is wrong with a property comes as a validation error. */
const httpStatuses: ReadonlyMap<string, number> = new Map([
  ['INVALID_AUTHENTICATION', 401],
  ['EXPIRED_AUTHENTICATION', 401],
  ['MISSING_SCOPES', 403],
  ['BANNED', 403],
  ['RATE_LIMITS', 429],
  ['RATE_LIMIT', 429],
]);

/** A code that is a status comes with it; any other with 400. */
const statusOf = (code: string): number => (/^\d{3}$/.test(code) ? Number(code) : 400);

function failed(status: number, code: string): VendorResponse {
  const isOfProperty = code === 'PROPERTY_DOESNT_EXIST' || code === 'READ_ONLY_VALUE';
  const category = isOfProperty ? 'VALIDATION_ERROR' : code;
  const errors = isOfProperty ? [{ message: 'refused', code, context: { propertyName: ['score'] } }] : undefined;
  return json(status, { status: 'error', message: 'refused', correlationId: 'c-1', category, errors });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
