import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { marketoOptions, marketoSettings } from './settings.ts';

/** A subscription of Marketo Engage, as far as the connector uses it. */
export interface MarketoVendor extends StandInVendor {
  /** Adds a static list; with an id of Marketo's, unless another is given. */
  addList(name: string, id?: number): number;
  deleteList(id: number): void;
  hasList(list: string | number): boolean;
  /**
   * Members of the list with this name or id, each by the value of the first of these fields that
   * it has.
   */
  members(list: string | number, fields: readonly string[]): readonly string[];
  hasPerson(identity: string): boolean;
  /** Adds a person whom a user made in Marketo. */
  addPerson(fields: Readonly<Record<string, JsonValue>>): void;
  /** From now on the vendor refuses the tokens that it has issued. */
  endTokens(): void;
  /** The next sync of persons is answered with the records of fewer than it has. */
  judgeFewer(): void;
}

export const startLocalMarketoVendor: StartLocalVendor = async ({ settings, routes }) => {
  const fields = Object.values(marketoSettings.parse(settings).identifiers);
  const vendor = await startMarketoVendor();
  for (const { options } of routes) {
    const { list, listId, createList } = marketoOptions.parse(options);
    const isThere = vendor.hasList(list ?? listId ?? 0);
    if (!isThere && !createList) vendor.addList(list ?? `List ${listId ?? ''}`, listId);
  }
  return {
    settings: { baseUrl: vendor.origin },
    members: ({ options }) => {
      const { list, listId } = marketoOptions.parse(options);
      return vendor.members(list ?? listId ?? '', fields);
    },
    close: () => vendor.close(),
  };
};

/** Starts Marketo on a free local port, with a static list called Sports Fans. */
export async function startMarketoVendor(): Promise<MarketoVendor> {
  const state = new Subscription();
  const server = await startVendorServer(
    (request) => state.answer(request),
    ({ method, url }) => method === 'GET' || url.endsWith('/oauth/token') || url.endsWith('/staticLists.json'),
  );
  state.addList('Sports Fans');
  return {
    ...server,
    member: (identity) => {
      const [id, fields] = state.find(identity) ?? [];
      const isMember = id !== undefined && [...state.lists.values()].some(({ members }) => members.has(id));
      if (!isMember) return undefined;
      return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== identity));
    },
    refuse: (identity) => void state.refused.add(identity),
    omit: (identity) => void state.omitted.add(identity),
    forgetPerson: (identity) => {
      const [id = 0] = state.find(identity) ?? [];
      state.persons.delete(id);
      for (const { members } of state.lists.values()) members.delete(id);
    },
    answerWithError: (code) => {
      const isStatus = code === '401' || code === '413' || code === '414';
      const answer = () => (isStatus ? { status: Number(code), body: '<html>' } : failed(code ?? ''));
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    addList: (name, id) => state.addList(name, id),
    deleteList: (id) => void state.lists.delete(id),
    hasList: (list) => [...state.lists].some(([id, { name }]) => id === list || name === list),
    members: (list, fields) =>
      [...state.lists]
        .flatMap(([id, { name, members }]) => (id === list || name === list ? [...members] : []))
        .flatMap((id) => fields.flatMap((name) => textOf(state.persons.get(id)?.[name])).slice(0, 1)),
    hasPerson: (identity) => state.find(identity) !== undefined,
    addPerson: (fields) => state.addPerson(fields),
    endTokens: () => {
      state.tokens += 1;
    },
    judgeFewer: () => {
      state.judgesFewer = true;
    },
  };
}

const field = z.record(z.string(), z.json());
/**
 * `SyncLeadRequest` and `ListOperationRequest` of the swagger of the lead database
 * (developer.adobe.com/marketo-apis/api/mapi).
 */
const sync = z.strictObject({
  action: z.enum(['createOrUpdate', 'updateOnly']),
  lookupField: z.string().min(1),
  input: z.array(field).max(300),
});
const ofList = z.strictObject({ input: z.array(z.strictObject({ id: z.int() })).max(300) });

type Fields = Readonly<Record<string, JsonValue>>;

class Subscription {
  readonly persons = new Map<number, Fields>();
  readonly lists = new Map<number, { readonly name: string; readonly members: Set<number> }>();
  readonly refused = new Set<string>();
  readonly omitted = new Set<string>();
  tokens = 1;
  judgesFewer = false;
  #lastId = 318_580;

  addList(name: string, id = 1021 + this.lists.size): number {
    this.lists.set(id, { name, members: new Set() });
    return id;
  }

  addPerson(fields: Fields): number {
    this.#lastId += 1;
    this.persons.set(this.#lastId, fields);
    return this.#lastId;
  }

  find(identity: string): readonly [number, Fields] | undefined {
    return [...this.persons].find(([, fields]) => Object.values(fields).includes(identity));
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    if (pathname === '/identity/oauth/token') return this.#signIn(new URLSearchParams(body));
    // "Error codes": what is wrong with a token is said in an answer of 200.
    if (headers.authorization !== `Bearer token-${this.tokens}`) return failed(headers.authorization ? '602' : '601');
    if (`${method} ${pathname}` === 'GET /rest/v1/lists.json') return this.#lists(searchParams.get('name') ?? '');
    if (`${method} ${pathname}` === 'POST /rest/asset/v1/staticLists.json')
      return this.#create(new URLSearchParams(body));
    if (`${method} ${pathname}` === 'POST /rest/v1/leads.json') return this.#sync(sync.safeParse(parse(body)).data);
    const [, id, rest] = /^\/rest\/v1\/lists\/(\d+)(\/leads)?\.json$/.exec(pathname) ?? [];
    if (id === undefined) return failed('610');
    if (rest === undefined) return this.#list(Number(id));
    return this.#changeMembers(method, Number(id), ofList.safeParse(parse(body)).data);
  }

  /**
   * "Authentication": the scope is the address of the API-only user. A POST with a form in place of
   * a query is how clients of it ask, and a guess.
   */
  #signIn(form: URLSearchParams): VendorResponse {
    const isService = form.get('grant_type') === 'client_credentials' && (form.get('client_secret') ?? '') !== '';
    if (!isService) return json(401, { error: 'unauthorized', error_description: 'Bad client credentials' });
    return json(200, {
      access_token: `token-${this.tokens}`,
      token_type: 'bearer',
      expires_in: 3599,
      scope: 'apis@acmeinc.com',
    });
  }

  /** "Get Lists": names are between commas. */
  #lists(names: string): VendorResponse {
    const wanted = names.split(',');
    const found = [...this.lists].filter(([, { name }]) => wanted.includes(name));
    return succeeded(found.map(([id, { name }]) => listOf(id, name)));
  }

  /**
   * "Get List by Id"; the code is that of the page of error codes for an object that is not there.
   */
  #list(id: number): VendorResponse {
    const list = this.lists.get(id);
    return list === undefined ? failed('1013') : succeeded([listOf(id, list.name)]);
  }

  /** "Static lists", Create: a name must be unique. That the code is 709 is a guess. */
  #create(form: URLSearchParams): VendorResponse {
    const folder = z.strictObject({ id: z.int(), type: z.enum(['Folder', 'Program']) });
    const name = form.get('name') ?? '';
    if (!folder.safeParse(parse(form.get('folder') ?? '')).success || name === '') return failed('710');
    if ([...this.lists.values()].some((list) => list.name === name)) return failed('709');
    return succeeded([listOf(this.addList(name), name)]);
  }

  /** "Sync Leads", and "Record-level errors" for what is skipped. */
  #sync(told: z.output<typeof sync> | undefined): VendorResponse {
    if (told === undefined) return failed('609');
    const records = told.input.map((fields) => {
      const value = textOf(fields[told.lookupField])[0] ?? '';
      const found = [...this.persons].filter(([, person]) => textOf(person[told.lookupField])[0] === value);
      const [first] = found;
      if (this.refused.has(value)) return skipped('1003', `Invalid value ${value}`);
      if (found.length > 1) return skipped('1007', 'Multiple leads match the lookup criteria');
      if (first === undefined && told.action === 'updateOnly') return skipped('1004', 'Lead not found');
      const [id, before] = first ?? [this.addPerson({}), {}];
      const merged = Object.entries({ ...before, ...fields } as Fields);
      // That null empties a field is a guess.
      this.persons.set(id, Object.fromEntries(merged.filter(([, each]) => each !== null)));
      return { id, status: first === undefined ? 'created' : 'updated' };
    });
    if (!this.judgesFewer) return succeeded(records);
    this.judgesFewer = false;
    return succeeded(records.slice(1));
  }

  /**
   * "List membership": Add to List, Remove from List. That who is in the list is added again is a
   * guess, and so is the code for a list that is gone.
   */
  #changeMembers(method: string, listId: number, told: z.output<typeof ofList> | undefined): VendorResponse {
    const list = this.lists.get(listId);
    if (told === undefined) return failed('609');
    if (list === undefined) return failed('1013');
    const records = told.input.map(({ id }) => {
      if (!this.persons.has(id)) return { id, ...skipped('1004', 'Lead not found') };
      if (method === 'POST') {
        list.members.add(id);
        return { id, status: 'added' };
      }
      return list.members.delete(id) ? { id, status: 'removed' } : { id, ...skipped('1015', 'Lead not in list') };
    });
    const isTold = ({ id }: { readonly id: number }) =>
      !Object.values(this.persons.get(id) ?? {}).some((value) => textOf(value).some((text) => this.omitted.has(text)));
    return succeeded(records.filter(isTold).reverse());
  }
}

/** A field that is a text; none for any other. */
const textOf = (value: JsonValue | undefined): readonly string[] => (typeof value === 'string' ? [value] : []);

const listOf = (id: number, name: string) => ({
  id,
  name,
  createdAt: '2026-11-29T00:00:00Z',
  updatedAt: '2026-11-29T00:00:00Z',
});

const skipped = (code: string, message: string) => ({ status: 'skipped', reasons: [{ code, message }] });

const succeeded = (result: readonly object[]): VendorResponse =>
  json(200, { requestId: 'e42b#14272d07d78', success: true, result });

const failed = (code: string): VendorResponse =>
  json(200, { requestId: 'e42b#14272d07d78', success: false, errors: [{ code, message: 'The request failed.' }] });

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
