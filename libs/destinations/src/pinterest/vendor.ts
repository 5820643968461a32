import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { pinterestOptions } from './settings.ts';

/** Pinterest, as far as the connector uses it. */
export interface PinterestVendor extends StandInVendor {
  /** Adds a customer list; with an id of Pinterest's, unless another is given. */
  addList(name: string, about?: { readonly id?: string | undefined; readonly status?: string }): string;
  deleteList(id: string): void;
  hasList(list: string): boolean;
  /** The records of the list with this name or id. */
  members(list: string): readonly string[];
  /** The names of the audiences, each with the id of its list. */
  readonly audiences: ReadonlyMap<string, string>;
  /** From now on a list needs so many records to be an audience; 0 at first. */
  setAudienceMin(records: number): void;
  /** From now on a list with a refused record is answered 200, with an exception. */
  answerByExceptions(): void;
}

export const startLocalPinterestVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startPinterestVendor();
  for (const { options } of routes) {
    const { list, listId, createList } = pinterestOptions.parse(options);
    const isThere = vendor.hasList(list ?? listId ?? '');
    if (!isThere && !createList) vendor.addList(list ?? `List ${listId ?? ''}`, { id: listId });
  }
  return {
    settings: { baseUrl: `${vendor.origin}/v5` },
    members: ({ options }) => {
      const { list, listId } = pinterestOptions.parse(options);
      return vendor.members(list ?? listId ?? '');
    },
    close: () => vendor.close(),
  };
};

/** Starts Pinterest on a free local port, with a customer list called Sports Fans. */
export async function startPinterestVendor(): Promise<PinterestVendor> {
  const account = new AdAccount();
  const server = await startVendorServer(
    (request) => account.answer(request),
    ({ method, url }) => method === 'GET' || url.endsWith('/oauth/token'),
  );
  account.addList('Sports Fans');
  return {
    ...server,
    member: (identity) => ([...account.lists.values()].some(({ records }) => records.has(identity)) ? {} : undefined),
    refuse: (identity) => void account.refused.add(identity),
    omit: (identity) => void account.refused.add(identity),
    answerWithError: (code) => {
      const answer = () => failed(statuses.get(code ?? '') ?? 400, Number(code));
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    addList: (name, about) => account.addList(name, about),
    deleteList: (id) => void account.lists.delete(id),
    hasList: (list) => account.find(list) !== undefined,
    members: (list) => [...(account.find(list)?.records ?? [])],
    audiences: account.audiences,
    setAudienceMin: (records) => {
      account.audienceMin = records;
    },
    answerByExceptions: () => {
      account.answersByExceptions = true;
    },
  };
}

/**
 * The status of each code, as the examples of answers in v5/openapi.json
 * (github.com/pinterest/api-description) have it; 400 for the others.
 */
const statuses: ReadonlyMap<string, number> = new Map([
  ['2', 401],
  ['3', 401],
  ['8', 429],
  ['29', 401],
  ['401', 401],
  ['403', 403],
  ['404', 404],
  ['429', 429],
  ['1001', 404],
  ['2625', 403],
  ['2626', 403],
]);

const records = z
  .string()
  .min(1)
  .transform((text) => text.split(','));
/**
 * `CustomerListRequest`, `CustomerListUpdateRequest` and `AudienceCreateRequest` of
 * v5/openapi.json.
 */
const create = z.strictObject({ name: z.string().min(1), list_type: z.literal('EMAIL'), records });
const change = z.strictObject({ operation_type: z.enum(['ADD', 'REMOVE']), records });
const audience = z.strictObject({
  name: z.string().min(1),
  audience_type: z.literal('CUSTOMER_LIST'),
  rule: z.strictObject({ customer_list_id: z.string() }),
});

interface List {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly records: Set<string>;
}

/**
 * An ad account. What an answer is like is said by v5/openapi.json 5.23.0
 * (github.com/pinterest/api-description), unless it says that it is a guess.
 */
class AdAccount {
  readonly lists = new Map<string, List>();
  readonly audiences = new Map<string, string>();
  readonly refused = new Set<string>();
  answersByExceptions = false;
  audienceMin = 0;

  addList(name: string, { id, status = 'READY' }: { id?: string | undefined; status?: string } = {}): string {
    const given = id ?? String(2_680_059_592_705 + this.lists.size);
    this.lists.set(given, { id: given, name, status, records: new Set() });
    return given;
  }

  find(nameOrId: string): List | undefined {
    return [...this.lists.values()].find(({ id, name }) => id === nameOrId || name === nameOrId);
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    if (pathname.endsWith('/oauth/token')) return this.#signIn(headers.authorization, new URLSearchParams(body));
    if (headers.authorization !== 'Bearer pina-1') return failed(401, 2);
    const [, id] = /\/ad_accounts\/\d+\/customer_lists(?:\/(\d+))?$/.exec(pathname) ?? [];
    if (pathname.endsWith('/audiences'))
      return method === 'GET' ? this.#audiencePage(searchParams) : this.#createAudience(parse(body));
    if (id === undefined) return method === 'GET' ? this.#page(searchParams) : this.#create(parse(body));
    const list = this.lists.get(id);
    // docs/reference/error-codes: "Get customer list" has the status 404 and the code 1001, "Update
    // customer list" the code 1018; its status is a guess.
    if (list === undefined) return method === 'GET' ? failed(404, 1001) : failed(400, 1018);
    return method === 'GET' ? json(200, bodyOf(list)) : this.#change(list, parse(body));
  }

  /** oauth/token, grant `refresh_token`. */
  #signIn(authorization: string | undefined, form: URLSearchParams): VendorResponse {
    const isApp = /^Basic \S+$/.test(authorization ?? '');
    if (!isApp || form.get('grant_type') !== 'refresh_token' || (form.get('refresh_token') ?? '') === '')
      return failed(401, 2);
    return json(200, {
      response_type: 'refresh_token',
      access_token: 'pina-1',
      token_type: 'bearer',
      expires_in: 2_592_000,
      scope: 'ads:read ads:write',
      refresh_token: 'pinr-2',
      refresh_token_expires_in: 5_184_000,
      refresh_token_expires_at: 1_800_000_000,
    });
  }

  /** customer_lists/list: two to a page here, whatever size is asked for. */
  #page(query: URLSearchParams): VendorResponse {
    const start = Number(query.get('bookmark') ?? 0);
    const all = [...this.lists.values()];
    const next = start + 2 < all.length ? String(start + 2) : null;
    return json(200, { items: all.slice(start, start + 2).map(bodyOf), bookmark: next });
  }

  /**
   * customer_lists/create. That a list may begin with a record that matches no person is a guess.
   */
  #create(body: unknown): VendorResponse {
    const told = create.safeParse(body).data;
    if (told === undefined) return failed(400, 1);
    const id = this.addList(told.name, { status: 'PROCESSING' });
    return json(200, bodyOf(this.lists.get(id)));
  }

  /** audiences/list: one to a page here. */
  #audiencePage(query: URLSearchParams): VendorResponse {
    const start = Number(query.get('bookmark') ?? 0);
    const all = [...this.audiences].map(([name, listId]) => ({ name, rule: { customer_list_id: listId } }));
    return json(200, {
      items: all.slice(start, start + 1),
      bookmark: start + 1 < all.length ? String(start + 1) : null,
    });
  }

  /**
   * audiences/create. A minimum of 100 members is told of on
   * docs/work-with-targets-and-audiences/create-audiences; how a smaller list is refused is a
   * guess.
   */
  #createAudience(body: unknown): VendorResponse {
    const told = audience.safeParse(body).data;
    if (told === undefined || !this.lists.has(told.rule.customer_list_id)) return failed(400, 1);
    if ((this.lists.get(told.rule.customer_list_id)?.records.size ?? 0) < this.audienceMin) return failed(400, 1);
    this.audiences.set(told.name, told.rule.customer_list_id);
    return json(200, { id: '2542620905475', name: told.name, audience_type: 'CUSTOMER_LIST', status: 'INITIALIZING' });
  }

  /**
   * customer_lists/update. Guesses: the most that a list may have, that one record at fault makes
   * it a malformed one, and what exceptions say.
   */
  #change(list: List, body: unknown): VendorResponse {
    const told = change.safeParse(body).data;
    if (told === undefined || told.records.length > 1_900) return failed(400, 2740);
    if (told.records.some((record) => this.refused.has(record) || !/^[0-9a-f]{64}$/.test(record))) {
      if (!this.answersByExceptions) return failed(400, 2740, told.records.join());
      return json(200, { ...bodyOf(list), exceptions: { code: 2740, message: told.records.join() } });
    }
    for (const record of told.records) {
      if (told.operation_type === 'ADD') list.records.add(record);
      else list.records.delete(record);
    }
    return json(200, bodyOf(list));
  }
}

const bodyOf = (list: List | undefined) => ({
  ad_account_id: '549755885175',
  id: list?.id,
  name: list?.name,
  status: list?.status,
  type: 'customerlist',
  num_batches: 1,
  num_removed_user_records: 0,
  num_uploaded_user_records: list?.records.size,
  exceptions: {},
});

const failed = (status: number, code: number, echo = ''): VendorResponse =>
  json(status, { code, message: `The request was not taken. ${echo}` });

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
