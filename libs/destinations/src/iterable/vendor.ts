import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { iterableOptions } from './settings.ts';

/**
 * Iterable, as far as the connector uses it: a hybrid project, which knows users by email or
 * userId.
 */
export interface IterableVendor extends StandInVendor {
  /** Adds a list; static, and with an id of Iterable's, unless others are given. */
  addList(name: string, about?: { readonly id?: number | undefined; readonly listType?: string }): number;
  hasList(list: string | number): boolean;
  deleteList(id: number): void;
  /** The members of this list, by name or id. */
  members(list: string | number): readonly string[];
  /** Whether there is a user of this identity. */
  hasUser(identity: string): boolean;
  /** From now on it counts a refused user and does not name it. */
  nameNobody(): void;
}

export const startLocalIterableVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startIterableVendor();
  for (const { options } of routes) {
    const { list, listId, createList } = iterableOptions.parse(options);
    const isThere = vendor.hasList(list ?? listId ?? 0);
    if (!isThere && !createList) vendor.addList(list ?? `List ${listId ?? ''}`, { id: listId });
  }
  return {
    settings: { baseUrl: vendor.origin },
    members: ({ options }) => {
      const { list, listId } = iterableOptions.parse(options);
      return vendor.members(list ?? listId ?? '');
    },
    close: () => vendor.close(),
  };
};

/** Starts Iterable on a free local port, with a static list called Sports Fans. */
export async function startIterableVendor(): Promise<IterableVendor> {
  const project = new Project();
  const server = await startVendorServer(
    (request) => project.answer(request),
    ({ method, url }) => method === 'GET' || url === '/api/lists',
  );
  project.addList('Sports Fans');
  return {
    ...server,
    member: (identity) => {
      const isMember = [...project.lists.values()].some(({ users }) => users.has(identity));
      return isMember ? project.users.get(identity) : undefined;
    },
    refuse: (identity) => void project.refused.add(identity),
    omit: (identity) => void project.refused.add(identity),
    forgetPerson: (identity) => {
      project.forgotten.add(identity);
      project.users.delete(identity);
      for (const { users } of project.lists.values()) users.delete(identity);
    },
    answerWithError: (code) => {
      const answer = () => json(statuses.get(code ?? '') ?? 400, { msg: 'refused', code, params: null });
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    addList: (name, about) => project.addList(name, about),
    hasList: (list) => [...project.lists].some(([id, { name }]) => id === list || name === list),
    deleteList: (id) => void project.lists.delete(id),
    members: (list) =>
      [...project.lists].flatMap(([id, { name, users }]) => (id === list || name === list ? [...users] : [])),
    hasUser: (identity) => project.users.has(identity),
    nameNobody: () => {
      project.namesUsers = false;
    },
  };
}

/** As the page of response codes gives them; 400 for the others. */
const statuses: ReadonlyMap<string, number> = new Map([
  ['BadApiKey', 401],
  ['BadAuthorizationHeader', 401],
  ['Unauthorized', 401],
  ['Forbidden', 403],
  ['ForbiddenParamsError', 403],
  ['NotFound', 404],
  ['RateLimitExceeded', 429],
]);

const text = z.string().min(1);
const who = { email: text.optional(), userId: text.optional() };
const fields = z.record(z.string(), z.json());
const subscribe = z.strictObject({
  listId: z.int(),
  subscribers: z.array(z.strictObject({ ...who, dataFields: fields, preferUserId: z.boolean() })).max(1000),
  updateExistingUsersOnly: z.boolean(),
});
const unsubscribe = z.strictObject({
  listId: z.int(),
  subscribers: z.array(z.strictObject(who)).max(1000),
  channelUnsubscribe: z.literal(false),
});

class Project {
  readonly lists = new Map<number, { readonly name: string; readonly listType: string; readonly users: Set<string> }>();
  readonly users = new Map<string, Record<string, JsonValue>>();
  readonly refused = new Set<string>();
  readonly forgotten = new Set<string>();
  namesUsers = true;

  addList(
    name: string,
    { id = 1000 + this.lists.size, listType = 'Standard' }: { id?: number | undefined; listType?: string } = {},
  ): number {
    this.lists.set(id, { name, listType, users: new Set() });
    return id;
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if ((headers['api-key'] ?? '') === '') return refusal(401, 'BadApiKey');
    if (url === '/api/lists' && method === 'GET') {
      const lists = [...this.lists].map(([id, { name, listType }]) => ({ id, name, listType, createdAt: 0 }));
      return json(200, { lists });
    }
    if (method !== 'POST') return refusal(404, 'NotFound');
    const parsed: unknown = JSON.parse(body);
    if (url === '/api/lists')
      return json(200, { listId: this.addList(z.strictObject({ name: text }).parse(parsed).name) });
    if (url === '/api/lists/subscribe') return this.#subscribe(subscribe.safeParse(parsed).data);
    if (url === '/api/lists/unsubscribe') return this.#unsubscribe(unsubscribe.safeParse(parsed).data);
    return refusal(404, 'NotFound');
  }

  #subscribe(told: z.output<typeof subscribe> | undefined): VendorResponse {
    const list = this.lists.get(told?.listId ?? 0);
    if (told === undefined || list === undefined) return refusal(400, 'BadParams');
    const failed = new Map<string, string[]>();
    for (const { email, userId, dataFields } of told.subscribers) {
      const user = email ?? userId ?? '';
      const isOld = this.users.has(user);
      const why = this.#refusal(user) ?? (told.updateExistingUsersOnly && !isOld ? 'notFound' : undefined);
      if (why !== undefined) {
        note(failed, why, { email, userId });
        continue;
      }
      const merged = Object.entries({ ...this.users.get(user), ...dataFields });
      this.users.set(user, Object.fromEntries(merged.filter(([, value]) => value !== null)));
      list.users.add(user);
    }
    return this.#counts(told.subscribers.length, failed);
  }

  #unsubscribe(told: z.output<typeof unsubscribe> | undefined): VendorResponse {
    const list = this.lists.get(told?.listId ?? 0);
    if (told === undefined || list === undefined) return refusal(400, 'BadParams');
    const failed = new Map<string, string[]>();
    for (const { email, userId } of told.subscribers) {
      const user = email ?? userId ?? '';
      const why = this.#refusal(user) ?? (this.users.has(user) ? undefined : 'notFound');
      if (why === undefined) list.users.delete(user);
      else note(failed, why, { email, userId });
    }
    return this.#counts(told.subscribers.length, failed);
  }

  #refusal(user: string): string | undefined {
    if (this.refused.has(user)) return 'invalidData';
    return this.forgotten.has(user) ? 'forgotten' : undefined;
  }

  #counts(count: number, failed: ReadonlyMap<string, readonly string[]>): VendorResponse {
    const failCount = [...failed.values()].flat().length;
    const failedUpdates = this.namesUsers ? Object.fromEntries(failed) : {};
    return json(200, { successCount: count - failCount, failCount, failedUpdates, filteredOutFields: [] });
  }
}

/** Names a user in the array that says why it was not taken. */
function note(
  failed: Map<string, string[]>,
  why: string,
  { email, userId = '' }: { email?: string | undefined; userId?: string | undefined },
): void {
  const name = `${why}${email === undefined ? 'UserIds' : 'Emails'}`;
  failed.set(name, [...(failed.get(name) ?? []), email ?? userId]);
}

const refusal = (status: number, code: string): VendorResponse => json(status, { msg: 'refused', code, params: null });

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
