import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { lifetimeDays, snapchatOptions } from './settings.ts';

/** Snapchat, as far as the connector uses it. */
export interface SnapchatVendor extends StandInVendor {
  /**
   * Adds a segment: a customer list for life, with an id of Snapchat's, unless other things are
   * given.
   */
  addList(name: string, about?: Partial<Pick<Segment, 'id' | 'source' | 'days'>>): string;
  deleteList(id: string): void;
  hasList(list: string): boolean;
  /** The identifiers in the list with this name or id. */
  members(list: string): readonly string[];
  /** How long the members of this list stay, in days. */
  days(list: string): number | undefined;
  /** From now on a request with a refused identifier is answered 200, without success. */
  answerInParts(): void;
  /** From now on it makes no list, and says so in an answer of 200. */
  makeNoLists(): void;
}

export const startLocalSnapchatVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startSnapchatVendor();
  for (const { options } of routes) {
    const { list, listId, createList, membershipDays } = snapchatOptions.parse(options);
    const isThere = vendor.hasList(list ?? listId ?? '');
    const about = { days: membershipDays, ...(listId !== undefined && { id: listId }) };
    if (!isThere && !createList) vendor.addList(list ?? `List ${listId ?? ''}`, about);
  }
  return {
    settings: { baseUrl: `${vendor.origin}/v1`, signInUrl: vendor.origin },
    members: ({ options }) => {
      const { list, listId } = snapchatOptions.parse(options);
      return vendor.members(list ?? listId ?? '');
    },
    close: () => vendor.close(),
  };
};

/**
 * Starts Snapchat on a free local port, with a customer list called Sports Fans. An identifier of
 * which it is not told by `now` for as long as its list says, it forgets ("Customer Lists",
 * `retention_in_days`). That telling it again begins the days anew is a guess.
 */
export async function startSnapchatVendor(now: () => number = Date.now): Promise<SnapchatVendor> {
  const account = new AdAccount(now);
  const server = await startVendorServer(
    (request) => account.answer(request),
    ({ method, url }) => method === 'GET' || url.endsWith('/access_token') || url.endsWith('/segments'),
  );
  account.addList('Sports Fans');
  return {
    ...server,
    member: (identity) =>
      [...account.segments.values()].some((each) => account.holds(each, identity)) ? {} : undefined,
    refuse: (identity) => void account.refused.add(identity),
    omit: (identity) => void account.refused.add(identity),
    answerWithError: (code) => {
      const answer = () => (code === 'ERROR' ? usersOf('ERROR', 0) : failed(Number(code)));
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    addList: (name, about) => account.addList(name, about),
    deleteList: (id) => void account.segments.delete(id),
    hasList: (list) => account.find(list) !== undefined,
    members: (list) => {
      const segment = account.find(list);
      return segment === undefined ? [] : [...segment.toldAtMs.keys()].filter((each) => account.holds(segment, each));
    },
    days: (list) => account.find(list)?.days,
    answerInParts: () => {
      account.answersInParts = true;
    },
    makeNoLists: () => {
      account.makesLists = false;
    },
  };
}

interface Segment {
  readonly id: string;
  readonly name: string;
  readonly source: string;
  readonly days: number;
  /** When each identifier was told last, in epoch milliseconds. */
  readonly toldAtMs: Map<string, number>;
}

/** "Customer Lists": Create an Audience Segment; Add Users to, and Remove Users from, a Segment. */
const create = z.strictObject({
  segments: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(375),
        source_type: z.literal('FIRST_PARTY'),
        retention_in_days: z.int().positive(),
        ad_account_id: z.guid(),
      }),
    )
    .length(1),
});
const users = z.strictObject({
  users: z
    .array(
      z.strictObject({
        schema: z.array(z.enum(['EMAIL_SHA256', 'PHONE_SHA256', 'MOBILE_AD_ID_SHA256'])).length(1),
        data: z.array(z.array(z.string().regex(/^[0-9a-f]{64}$/)).length(1)).max(100_000),
      }),
    )
    .length(1),
});

class AdAccount {
  readonly segments = new Map<string, Segment>();
  readonly refused = new Set<string>();
  answersInParts = false;
  makesLists = true;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  addList(name: string, about: Partial<Pick<Segment, 'id' | 'source' | 'days'>> = {}): string {
    const id = about.id ?? String(5_677_923_948_298_240 + this.segments.size);
    this.segments.set(id, { source: 'FIRST_PARTY', days: lifetimeDays, ...about, id, name, toldAtMs: new Map() });
    return id;
  }

  find(nameOrId: string): Segment | undefined {
    return [...this.segments.values()].find(({ id, name }) => id === nameOrId || name === nameOrId);
  }

  holds({ toldAtMs, days }: Segment, identifier: string): boolean {
    const atMs = toldAtMs.get(identifier);
    return atMs !== undefined && this.#now() < atMs + days * 86_400_000;
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    if (pathname === '/login/oauth2/access_token') return signIn(new URLSearchParams(body));
    if (headers.authorization !== 'Bearer token-1') return failed(401);
    if (/^\/v1\/adaccounts\/[\da-f-]+\/segments$/.test(pathname))
      return method === 'GET' ? this.#page(searchParams) : this.#create(create.safeParse(parse(body)).data);
    const [, id = '', rest] = /^\/v1\/segments\/(\d+)(\/users)?$/.exec(pathname) ?? [];
    const segment = this.segments.get(id);
    // That a segment which is not there is a 404 is what the page of errors has of anything; of
    // segments none is written.
    if (segment === undefined) return failed(404);
    if (rest === undefined) return segmentsOf([segment]);
    return this.#changeUsers(method, segment, users.safeParse(parse(body)).data);
  }

  /** "API Patterns", Pagination: two to a page here, whatever limit is asked for. */
  #page(query: URLSearchParams): VendorResponse {
    const limit = Number(query.get('limit'));
    if (!(limit >= 50 && limit <= 1000)) return failed(400);
    const start = Number(query.get('cursor') ?? 0);
    const all = [...this.segments.values()];
    return segmentsOf(all.slice(start, start + 2), start + 2 < all.length ? start + 2 : undefined);
  }

  /** "Customer Lists", Create an Audience Segment. */
  #create(told: z.output<typeof create> | undefined): VendorResponse {
    const [segment] = told?.segments ?? [];
    if (segment === undefined) return failed(400);
    if (!this.makesLists) return json(200, { request_status: 'ERROR', segments: [{ sub_request_status: 'ERROR' }] });
    const made = this.segments.get(this.addList(segment.name, { days: segment.retention_in_days }));
    return segmentsOf(made === undefined ? [] : [made]);
  }

  /**
   * "Customer Lists", Add Users and Remove Users. That one identifier at fault fails the request,
   * and how, is a guess.
   */
  #changeUsers(method: string, { toldAtMs }: Segment, told: z.output<typeof users> | undefined): VendorResponse {
    const values = told?.users.flatMap(({ data }) => data.flat());
    if (values === undefined) return failed(400);
    if (values.some((value) => this.refused.has(value)))
      return this.answersInParts ? usersOf('ERROR', 0) : failed(400, values.join());
    for (const value of values) {
      if (method === 'POST') toldAtMs.set(value, this.#now());
      else toldAtMs.delete(value);
    }
    return usersOf('SUCCESS', values.length);
  }
}

/** "Authentication", Refresh the Access Token. */
function signIn(form: URLSearchParams): VendorResponse {
  const isUser = form.get('grant_type') === 'refresh_token' && form.get('client_id') !== null;
  if (!isUser || form.get('client_secret') === null || (form.get('refresh_token') ?? '') === '')
    return json(400, { error: 'invalid_grant' });
  return json(200, { access_token: 'token-1', token_type: 'Bearer', expires_in: 1800, refresh_token: 'refresh-1' });
}

const segmentsOf = (segments: readonly Segment[], cursor?: number): VendorResponse =>
  json(200, {
    request_status: 'SUCCESS',
    request_id: '57ae54d800ff0a4a5232b1a721',
    ...(cursor !== undefined && {
      paging: { next_link: `https://adsapi.snapchat.com/v1/adaccounts/1/segments?cursor=${cursor}&limit=1000` },
    }),
    segments: segments.map(({ id, name, source, days }) => ({
      sub_request_status: 'SUCCESS',
      segment: { id, name, source_type: source, retention_in_days: days, status: 'ACTIVE' },
    })),
  });

const usersOf = (status: string, count: number): VendorResponse =>
  json(200, {
    request_status: 'SUCCESS',
    request_id: '57c4d34700ff0d538b8ba40ed9',
    users: [{ sub_request_status: status, user: { number_uploaded_users: count } }],
  });

const failed = (status: number, echo = ''): VendorResponse =>
  json(status, { request_status: 'ERROR', debug_message: echo, display_message: 'The request failed.' });

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
