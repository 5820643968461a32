import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { tiktokOptions } from './settings.ts';
import { tiktokKinds } from './takes.ts';

/** TikTok's API for Business, as far as the connector uses it. */
export interface TiktokVendor extends StandInVendor {
  /** Adds an audience, and gives its id. */
  addAudience(name: string, about?: { readonly id?: string | undefined; readonly changedAtMs?: number }): string;
  deleteAudience(id: string): void;
  hasAudience(nameOrId: string): boolean;
  /** The ids that are in the audience with this name or id. */
  members(nameOrId: string): readonly string[];
}

export const startLocalTiktokVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startTiktokVendor();
  for (const { options } of routes) {
    const { list, listId, createList } = tiktokOptions.parse(options);
    const isThere = vendor.hasAudience(list ?? listId ?? '');
    if (!isThere && !createList) vendor.addAudience(list ?? 'An audience', { id: listId });
  }
  return {
    settings: { baseUrl: vendor.origin },
    members: ({ options }) => {
      const { list, listId } = tiktokOptions.parse(options);
      return vendor.members(list ?? listId ?? '');
    },
    close: () => vendor.close(),
  };
};

/**
 * Starts TikTok on a free local port, with an audience called Sports Fans. It answers 200 to all
 * that reaches it, with a code ("HTTP status codes" and "Return Codes",
 * business-api.tiktok.com/portal/docs?id=1749734684478466 and ?id=1737172488964097). That one bad
 * id refuses the whole request with 40002, and an unknown audience with 40007, are guesses: no page
 * says it. An audience that is not changed for 365 days by `now` expires with its ids ("Audience
 * Expiration Policy"); that telling an id again is a change is a guess.
 */
export async function startTiktokVendor(now: () => number = Date.now): Promise<TiktokVendor> {
  const account = new Account(now);
  const server = await startVendorServer(
    (request) => account.answer(request),
    ({ method, url }) => method === 'GET' || url.endsWith('/segment/audience/'),
  );
  account.add('Sports Fans');
  return {
    ...server,
    member: (identity) =>
      [...account.audiences.values()].some((audience) => account.idsOf(audience).has(identity)) ? {} : undefined,
    refuse: (identity) => void account.refused.add(identity),
    poison: (identity) => void account.refused.add(identity),
    omit: (identity) => void account.refused.add(identity),
    answerWithError: (code) =>
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer: () => refusal(Number(code)) }),
    addAudience: (name, about) => account.add(name, about),
    deleteAudience: (id) => void account.audiences.delete(id),
    hasAudience: (nameOrId) => account.find(nameOrId) !== undefined,
    members: (nameOrId) => {
      const audience = account.find(nameOrId);
      return audience === undefined ? [] : [...account.idsOf(audience)];
    },
  };
}

const text = z.string().min(1);
const digits = z.string().regex(/^\d+$/);
/** "Create/delete an audience segment" (?id=1739940583739393). */
const creation = z.strictObject({
  advertiser_id: digits,
  action: z.literal('create'),
  custom_audience_name: text.max(128),
});
/** "Add/delete audience segment mappings" (?id=1739940585975809). */
const mapping = z.strictObject({
  advertiser_ids: z.array(digits).min(1),
  action: z.enum(['add', 'delete']),
  id_schema: z.array(z.enum(tiktokKinds)).min(1),
  batch_data: z.array(
    z.array(
      z.union([
        z.strictObject({ id: z.string().regex(/^[\da-f]{64}$/), audience_ids: z.array(digits).min(1) }),
        z.strictObject({}),
      ]),
    ),
  ),
});

interface Audience {
  readonly name: string;
  readonly ids: Set<string>;
  changedAtMs: number;
}

const audienceLifeMs = 365 * 86_400_000;

class Account {
  readonly audiences = new Map<string, Audience>();
  readonly refused = new Set<string>();
  readonly #now: () => number;
  #lastId = 100_000_000n;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(name: string, { id, changedAtMs = this.#now() }: { id?: string | undefined; changedAtMs?: number } = {}): string {
    this.#lastId += 1n;
    const added = id ?? String(this.#lastId);
    this.audiences.set(added, { name, changedAtMs, ids: new Set() });
    return added;
  }

  isExpired({ changedAtMs }: Audience): boolean {
    return this.#now() >= changedAtMs + audienceLifeMs;
  }

  idsOf(audience: Audience): ReadonlySet<string> {
    if (this.isExpired(audience)) audience.ids.clear();
    return audience.ids;
  }

  find(nameOrId: string) {
    return [...this.audiences].find(([id, { name }]) => id === nameOrId || name === nameOrId)?.[1];
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if ((headers['access-token'] ?? '') === '') return refusal(40_104);
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    const path = pathname.replace('/open_api/v1.3', '');
    if (`${method} ${path}` === 'GET /dmp/custom_audience/list/') return this.#list(searchParams);
    if (method !== 'POST') return { status: 404, body: '404 page not found' };
    const parsed: unknown = JSON.parse(body);
    if (path === '/segment/audience/') {
      const told = creation.safeParse(parsed).data;
      return told === undefined ? refusal(40_002) : success({ audience_id: this.add(told.custom_audience_name) });
    }
    if (path === '/segment/mapping/') return this.#map(mapping.safeParse(parsed).data);
    return { status: 404, body: '404 page not found' };
  }

  /**
   * "Get all audiences" (?id=1739940506015746), two to a page whatever is asked for, the newest
   * first.
   */
  #list(query: URLSearchParams): VendorResponse {
    const wanted = query.get('custom_audience_ids');
    const all = [...this.audiences].reverse();
    const found = wanted === null ? all : all.filter(([id]) => (JSON.parse(wanted) as string[]).includes(id));
    const page = Number(query.get('page') ?? 1);
    return success({
      list: found.slice(2 * (page - 1), 2 * page).map(([id, audience]) => ({
        audience_id: id,
        name: audience.name,
        audience_type: 'Partner Audience',
        is_expired: this.isExpired(audience),
        is_valid: true,
      })),
      page_info: { page, page_size: 2, total_number: found.length, total_page: Math.ceil(found.length / 2) },
    });
  }

  #map(told: z.output<typeof mapping> | undefined): VendorResponse {
    if (told?.batch_data.some((row) => row.length !== told.id_schema.length) !== false) return refusal(40_002);
    const mapped = told.batch_data.flat().flatMap((each) => ('id' in each ? [each] : []));
    if (mapped.some(({ audience_ids: ids }) => ids.some((id) => !this.audiences.has(id)))) return refusal(40_007);
    if (mapped.some(({ id }) => this.refused.has(id))) return refusal(40_002);
    for (const { id, audience_ids: audienceIds } of mapped) {
      for (const audience of audienceIds.flatMap((each) => this.audiences.get(each) ?? [])) {
        audience.ids[told.action](id);
        audience.changedAtMs = this.#now();
      }
    }
    return success({});
  }
}

const success = (data: object): VendorResponse => envelope(0, data);
const refusal = (code: number): VendorResponse => envelope(code, {});

const envelope = (code: number, data: object): VendorResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ code, message: code === 0 ? 'OK' : 'refused', request_id: '2026112900000000000', data }),
});
