import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  type HttpVendorServer,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { googleOptions } from './settings.ts';
import { documented, failed, json, parse } from './vendor-answers.ts';
import { ingestion, listBody, removal, type Members } from './vendor-requests.ts';

interface UserList {
  readonly name: string;
  readonly membershipDuration: string;
  readonly membershipStatus: string;
  readonly readOnly: boolean;
  readonly uploadKeyTypes: readonly string[];
}

/** The Data Manager API and the sign-in of Google, as far as the connector uses them. */
export interface GoogleVendor extends StandInVendor, HttpVendorServer {
  /** The JSON key of a service account that may sign in. */
  readonly serviceAccountKey: string;
  /** A user list that a user makes in Google Ads. */
  addUserList(id: string, list?: Partial<UserList>): void;
  deleteUserList(id: string): void;
  /**
   * From now on every request with this identity is accepted, and then found to fail for it, for
   * this reason.
   */
  failLater(identity: string, reason: string): void;
  /** Forgets the requests that it accepted. */
  forgetAccepted(): void;
  /** The id of the user list with this name or id. */
  listId(nameOrId: string): string | undefined;
  /** How long members stay in the user list, as Google writes it. */
  membershipDuration(userListId: string): string | undefined;
  /** The hashes of all members of the user list. */
  members(userListId: string): readonly string[];
}

/** An id of the user list that is there at first. */
export const standInUserListId = '9876543210';
const scope = 'https://www.googleapis.com/auth/datamanager';
/** How many accepted requests it remembers. */
const requestsMax = 10_000;

let standInKey: string | undefined;

/**
 * The key of the one service account that every stand-in knows; made when it is asked for first.
 */
export function standInServiceAccountKey(): string {
  standInKey ??= JSON.stringify({
    type: 'service_account',
    client_email: 'activation@example.iam.gserviceaccount.com',
    private_key_id: 'key-1',
    private_key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }),
  });
  return standInKey;
}

/**
 * Starts Google on a free local port, with a user list. It takes members as it accepts a request,
 * and says so when it is asked for the second time (or `answersProcessing` times more); it counts
 * what fails later and names no row. Members whom it is not told of again leave when the duration
 * of their list is over by `now` ("Update to Customer Match membership expiration starting April 7,
 * 2025").
 */
export async function startGoogleCustomerMatchVendor(
  answersProcessing = 1,
  now: () => number = Date.now,
): Promise<GoogleVendor> {
  const state = new GoogleState(answersProcessing, now);
  const server = await startVendorServer(
    (request) => state.answer(request),
    ({ method, url }) => method === 'GET' || url === '/token' || url.endsWith('/userLists'),
  );
  state.addUserList(standInUserListId);
  return {
    ...server,
    serviceAccountKey: standInServiceAccountKey(),
    member: (identity) => state.member(identity),
    refuse: (identity) => void state.refused.add(identity),
    omit: (identity) => void state.failing.set(identity, 'PROCESSING_ERROR_REASON_INTERNAL_ERROR'),
    answerWithError: (code) =>
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer: () => documented(code) }),
    addUserList: (id, list) => state.addUserList(id, list),
    deleteUserList: (id) => void state.lists.delete(id),
    failLater: (identity, reason) => void state.failing.set(identity, reason),
    forgetAccepted: () => state.accepted.clear(),
    listId: (nameOrId) => [...state.lists].find(([id, { name }]) => id === nameOrId || name === nameOrId)?.[0],
    membershipDuration: (userListId) => state.lists.get(userListId)?.membershipDuration,
    members: (userListId) => {
      const list = state.lists.get(userListId);
      return list === undefined ? [] : [...state.membersOf(list).keys()];
    },
  };
}

export const startLocalGoogleCustomerMatchVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startGoogleCustomerMatchVendor(0);
  const named = (options: unknown) => googleOptions.parse(options);
  for (const { options } of routes) {
    const { userListId, userList, createUserList, holds } = named(options);
    const isThere = vendor.listId(userListId ?? userList ?? '') !== undefined;
    if (!isThere && !createUserList)
      vendor.addUserList(userListId ?? '7000000000', {
        name: userList ?? 'A list',
        uploadKeyTypes: [holds === 'mobile-ids' ? 'MOBILE_ID' : 'CONTACT_ID'],
      });
  }
  return {
    settings: { baseUrl: vendor.origin, tokenUrl: `${vendor.origin}/token`, askAfterMs: 100 },
    secrets: { serviceAccountKey: vendor.serviceAccountKey },
    members: ({ options }) => {
      const { userListId, userList } = named(options);
      return vendor.members(vendor.listId(userListId ?? userList ?? '') ?? '');
    },
    close: () => vendor.close(),
  };
};

/**
 * A user list with its members: by each identifier all of the person, and when the person was told
 * of last.
 */
interface KeptList extends UserList {
  readonly members: Map<string, readonly string[]>;
  readonly toldAtMs: Map<string, number>;
}

/**
 * By its path: another server of this machine may stand before it, as that of the console does,
 * which breaks connections.
 */
const isTokenUrl = (audience: unknown): boolean =>
  typeof audience === 'string' && /^http:\/\/(127\.0\.0\.1|localhost):\d+\/token$/.test(audience);

class GoogleState {
  readonly lists = new Map<string, KeptList>();
  readonly refused = new Set<string>();
  readonly failing = new Map<string, string>();
  /** What is left to be said of each accepted request: how often PROCESSING, and then this. */
  readonly accepted = new Map<string, { processing: number; readonly status: object }>();
  readonly #answersProcessing: number;
  readonly #now: () => number;
  #tokens = 0;
  #requests = 0;

  constructor(answersProcessing: number, now: () => number) {
    this.#answersProcessing = answersProcessing;
    this.#now = now;
  }

  /** Who is still in the list. */
  membersOf({ members, toldAtMs, membershipDuration }: KeptList): Map<string, readonly string[]> {
    const lifeMs = Number(membershipDuration.slice(0, -1)) * 1_000;
    for (const [value, atMs] of toldAtMs) {
      if (this.#now() < atMs + lifeMs) continue;
      members.delete(value);
      toldAtMs.delete(value);
    }
    return members;
  }

  addUserList(id: string, list: Partial<UserList> = {}): void {
    const fresh = {
      name: `List ${id}`,
      membershipDuration: '46656000s',
      membershipStatus: 'OPEN',
      readOnly: false,
      uploadKeyTypes: ['CONTACT_ID'],
    };
    this.lists.set(id, { ...fresh, ...list, members: new Map(), toldAtMs: new Map() });
  }

  member(identity: string): Readonly<Record<string, JsonValue>> | undefined {
    for (const list of this.lists.values()) {
      const others = this.membersOf(list).get(identity);
      if (others !== undefined) return { identifiers: others };
    }
    return undefined;
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if (url === '/token') return this.#signIn(new URLSearchParams(body));
    // A token that comes later ends none.
    const token = Number(/^Bearer ya29\.(\d+)$/.exec(headers.authorization ?? '')?.[1]);
    if (!(token >= 1 && token <= this.#tokens)) return failed(401, 'UNAUTHENTICATED');
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    if (method === 'GET' && pathname === '/v1/requestStatus:retrieve') {
      return this.#status(searchParams.get('requestId') ?? '');
    }
    if (pathname.endsWith('/userLists')) {
      return method === 'POST' ? this.#createList(body) : this.#findLists(searchParams.get('filter') ?? '');
    }
    const [, listId] = /^\/v1\/accountTypes\/[A-Z_]+\/accounts\/\d+\/userLists\/(\d+)$/.exec(pathname) ?? [];
    if (method === 'GET' && listId !== undefined) return this.#userList(listId);
    const [, direction] = /^\/v1\/audienceMembers:(ingest|remove)$/.exec(pathname) ?? [];
    if (method === 'POST' && direction !== undefined) return this.#change(direction, body);
    return failed(404, 'NOT_FOUND');
  }

  #signIn(form: URLSearchParams): VendorResponse {
    const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const key = createPublicKey((JSON.parse(standInServiceAccountKey()) as { private_key: string }).private_key);
    const isSigned = verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'));
    const said = parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown> | undefined;
    const isGood =
      form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
      isTokenUrl(said?.aud) &&
      said?.scope === scope;
    if (!isSigned || !isGood) return json(400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' });
    this.#tokens += 1;
    return json(200, { access_token: `ya29.${this.#tokens}`, expires_in: 3599, token_type: 'Bearer' });
  }

  #userList(id: string): VendorResponse {
    const list = this.lists.get(id);
    if (list === undefined) return failed(404, 'NOT_FOUND');
    const { membershipStatus, membershipDuration, readOnly, uploadKeyTypes } = list;
    return json(200, {
      id,
      displayName: list.name,
      name: `accountTypes/GOOGLE_ADS/accounts/1/userLists/${id}`,
      membershipStatus,
      membershipDuration,
      readOnly,
      accountAccessStatus: 'ENABLED',
      ingestedUserListInfo: { uploadKeyTypes },
    });
  }

  #findLists(filter: string): VendorResponse {
    const [, quoted = '""'] = /^display_name = (".*")$/.exec(filter) ?? [];
    const ids = [...this.lists].filter(([, { name }]) => name === JSON.parse(quoted)).map(([id]) => id);
    return json(200, { userLists: ids.map((id) => JSON.parse(this.#userList(id).body ?? '') as object) });
  }

  #createList(body: string): VendorResponse {
    const parsed = listBody.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'INVALID_ARGUMENT', [{ field: 'user_list', reason: 'INVALID_FORMAT' }]);
    const { displayName: name, membershipDuration, ingestedUserListInfo } = parsed.data;
    if ([...this.lists.values()].some((list) => list.name === name)) {
      return failed(400, 'INVALID_ARGUMENT', [
        { field: 'user_list.display_name', reason: 'DISPLAY_NAME_ALREADY_USED' },
      ]);
    }
    const id = String(5_000_000_000 + this.lists.size);
    this.addUserList(id, { name, membershipDuration, uploadKeyTypes: ingestedUserListInfo.uploadKeyTypes });
    return this.#userList(id);
  }

  #change(direction: string, body: string): VendorResponse {
    const request = (direction === 'ingest' ? ingestion : removal).safeParse(parse(body));
    if (!request.success) return failed(400, 'INVALID_ARGUMENT', [{ field: 'request', reason: 'INVALID_FORMAT' }]);
    const { audienceMembers, destinations } = request.data;
    const list = this.lists.get(destinations[0]?.productDestinationId ?? '');
    if (list === undefined) {
      const field = 'destinations.destinations[0].product_destination_id';
      return failed(400, 'INVALID_ARGUMENT', [{ field, reason: 'INVALID_USER_LIST_ID' }]);
    }
    const [keyType] = list.uploadKeyTypes;
    const isOfList = (member: Members[number]): boolean =>
      keyType === 'MOBILE_ID'
        ? member.mobileData !== undefined && member.compositeData === undefined
        : member.compositeData !== undefined && member.mobileData === undefined && request.data.encoding === 'HEX';
    if (!audienceMembers.every(isOfList)) {
      const field = 'destinations.destinations[0].product_destination_id';
      return failed(400, 'INVALID_ARGUMENT', [{ field, reason: 'INVALID_USER_LIST_TYPE' }]);
    }
    const violations = audienceMembers.flatMap((member, place) =>
      valuesOf(member).some((value) => this.refused.has(value))
        ? [{ field: `audience_members.audience_members[${place}].composite_data`, reason: 'INVALID_SHA256_FORMAT' }]
        : [],
    );
    if (violations.length > 0) return failed(400, 'INVALID_ARGUMENT', violations.reverse(), [...this.refused].join());

    const reasons = this.#carryOut(direction, audienceMembers, list);
    return this.#accept(direction, audienceMembers.length, reasons);
  }

  /** Gives the reasons of those that fail. */
  #carryOut(direction: string, members: Members, list: KeptList): readonly string[] {
    const kept = this.membersOf(list);
    const reasons: string[] = [];
    for (const member of members) {
      const values = valuesOf(member);
      const reason = values.flatMap((value) => this.failing.get(value) ?? [])[0];
      if (reason !== undefined) {
        reasons.push(reason);
        continue;
      }
      const known = values.flatMap((value) => kept.get(value) ?? []);
      const all = [...new Set([...known, ...values])];
      for (const value of all) {
        if (direction === 'ingest') {
          kept.set(value, all);
          list.toldAtMs.set(value, this.#now());
        } else {
          kept.delete(value);
          list.toldAtMs.delete(value);
        }
      }
    }
    return reasons;
  }

  #accept(direction: string, count: number, reasons: readonly string[]): VendorResponse {
    this.#requests += 1;
    const requestId = `request-${this.#requests}`;
    const requestStatus = reasons.length === 0 ? 'SUCCESS' : reasons.length < count ? 'PARTIAL_SUCCESS' : 'FAILED';
    const counts = Map.groupBy(reasons, (reason) => reason);
    const errorCounts = [...counts].map(([reason, of]) => ({ reason, recordCount: String(of.length) }));
    const detail = direction === 'ingest' ? 'audienceMembersIngestionStatus' : 'audienceMembersRemovalStatus';
    const status = {
      requestStatus,
      ...(errorCounts.length > 0 && { errorInfo: { errorCounts } }),
      [detail]: { compositeDataStatus: { recordCount: String(count) } },
    };
    const [oldest] = this.accepted.keys();
    if (oldest !== undefined && this.accepted.size >= requestsMax) this.accepted.delete(oldest);
    this.accepted.set(requestId, { processing: this.#answersProcessing, status });
    return json(200, { requestId });
  }

  #status(requestId: string): VendorResponse {
    const request = this.accepted.get(requestId);
    if (request === undefined) {
      return failed(400, 'INVALID_ARGUMENT', [{ field: 'request_id', reason: 'INVALID_REQUEST_ID' }]);
    }
    const destination = { productDestinationId: standInUserListId };
    request.processing -= 1;
    const status = request.processing >= 0 ? { requestStatus: 'PROCESSING' } : request.status;
    return json(200, { requestStatusPerDestination: [{ destination, ...status }] });
  }
}

function valuesOf({ compositeData, mobileData }: Members[number]): readonly string[] {
  if (compositeData === undefined) return mobileData?.mobileIds ?? [];
  return compositeData.userData.userIdentifiers.flatMap((identifier) => {
    if ('emailAddress' in identifier) return [identifier.emailAddress];
    return 'phoneNumber' in identifier ? [identifier.phoneNumber] : [];
  });
}
