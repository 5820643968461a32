import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonValue } from '../src/index.ts';

export interface VendorRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface VendorResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What may be wrong with a vendor as a whole. Every answer that comes with a status echoes the
 * request, as bad vendors do.
 */
export type VendorFault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Takes the request and never answers. */
  | { readonly kind: 'silent' }
  /** Takes the request and resets the connection. */
  | { readonly kind: 'reset' }
  /** Carries the request out at once, and answers only when the fault has ended. */
  | { readonly kind: 'late' }
  /** Answers 200 with JSON that breaks off. */
  | { readonly kind: 'malformed' }
  /** Answers in the vendor's own way; with `naming` only requests that hold this text meet it. */
  | {
      readonly kind: 'answer';
      readonly answer: (request: VendorRequest) => VendorResponse;
      readonly naming?: string;
    };

/** A local HTTP server on a free port of the loopback address that plays a vendor. */
export interface VendorServer {
  readonly origin: string;
  /** What came since the last `forgetRequests`, oldest first. */
  readonly requests: readonly VendorRequest[];
  forgetRequests(): void;
  /** While a fault is set, every request that tells meets it; `undefined` ends it. */
  setFault(fault: VendorFault | undefined): void;
  /** The same for requests that only ask; they meet no fault else. */
  setReadFault(fault: VendorFault | undefined): void;
  /**
   * Resolves when the next request that tells has arrived in full, and one that is answered late
   * was carried out.
   */
  nextRequest(): Promise<void>;
  close(): Promise<void>;
}

/** A vendor that is told over HTTP. */
export interface HttpVendorServer extends VendorServer {
  /**
   * The next `count` requests of this kind wait for each other before they are carried out, as
   * those of processes that have all looked before one of them writes.
   */
  meet(count: number, isMeant: (request: VendorRequest) => boolean): void;
}

export type MemberAttributes = Readonly<Record<string, JsonValue>>;

/**
 * A vendor as the contract suite needs it: its server, what it knows, and how its answers can go
 * wrong.
 */
export interface StandInVendor extends VendorServer {
  /**
   * Attributes of the member with this identity; `undefined` when the vendor holds no such member.
   */
  member(identity: string): MemberAttributes | undefined | Promise<MemberAttributes | undefined>;
  /** From now on refuses the row of this identity, with a reason that echoes the identity. */
  refuse(identity: string): void;
  /** From now on takes the row of this identity but leaves it out of its answers. */
  omit(identity: string): void;
  /**
   * Erases the person with this identity, whom the vendor then does not know any more; no
   * membership is left. Absent where the vendor never says that it does not know a person.
   */
  forgetPerson?(identity: string): void;
  /**
   * Answers every request that tells with this error of the connector's table, in the vendor's own
   * form, until it is given `undefined`. Absent where there is no table.
   */
  answerWithError?(code: string | undefined): void;
  /**
   * From now on every answer says that the quota of the account is nearly used up, until it is
   * given `false`. Absent where the vendor does not say in its answers how much is left.
   */
  sayQuotaIsNearlyUsed?(isNearlyUsed: boolean): void;
  /**
   * From now on refuses every request that names this identity as a whole, and does not say which
   * row it is; by 400 when absent.
   */
  poison?(identity: string): void;
}

/**
 * How many requests are kept; older ones are forgotten, so that a vendor of a long local run does
 * not grow.
 */
const requestsMax = 10_000;

/**
 * Starts a server that answers with `answer`, unless a fault is set. `asks` says which requests
 * change nothing at the vendor (a sign-in, a look-up); by default none do. Where one fails, the
 * vendor took nothing, and a connector must know it.
 */
export async function startVendorServer(
  answer: (request: VendorRequest) => VendorResponse | Promise<VendorResponse>,
  asks: (request: VendorRequest) => boolean = () => false,
): Promise<HttpVendorServer> {
  const requests: VendorRequest[] = [];
  let tellingFault: VendorFault | undefined;
  let readFault: VendorFault | undefined;
  let waiting: (() => void)[] = [];
  let recovery = Promise.withResolvers<undefined>();
  let meeting: Meeting | undefined;

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const request = await read(incoming);
    requests.push(request);
    if (requests.length > requestsMax) requests.shift();
    if (meeting?.isMeant(request) === true) await arriveAt(meeting);
    const isRead = asks(request);
    const set = isRead ? readFault : tellingFault;
    const isMeant = set?.kind !== 'answer' || set.naming === undefined || request.body.includes(set.naming);
    const fault = isMeant ? set : undefined;
    const held = fault?.kind === 'late' ? await answer(request) : undefined;
    if (!isRead) {
      for (const resolve of waiting) resolve();
      waiting = [];
    }
    if (held !== undefined) await recovery.promise;
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'reset') {
      incoming.socket.resetAndDestroy();
      return;
    }
    const response =
      held ?? (fault === undefined || fault.kind === 'late' ? await answer(request) : faultyResponse(fault, request));
    outgoing.writeHead(response.status, response.headers).end(response.body);
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    forgetRequests: () => {
      requests.length = 0;
    },
    setFault: (next) => {
      tellingFault = next;
      recovery.resolve(undefined);
      recovery = Promise.withResolvers();
    },
    setReadFault: (next) => {
      readFault = next;
    },
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    meet: (count, isMeant) => {
      meeting = { missing: count, isMeant, complete: Promise.withResolvers() };
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Meeting {
  /** So many have not arrived yet. */
  missing: number;
  readonly isMeant: (request: VendorRequest) => boolean;
  readonly complete: PromiseWithResolvers<undefined>;
}

/** Resolves when all have arrived; a later request does not wait. */
async function arriveAt(meeting: Meeting): Promise<void> {
  meeting.missing -= 1;
  if (meeting.missing <= 0) meeting.complete.resolve(undefined);
  await meeting.complete.promise;
}

async function read(incoming: IncomingMessage): Promise<VendorRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? '',
    url: incoming.url ?? '',
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function faultyResponse(
  fault: VendorFault & { kind: 'status' | 'malformed' | 'answer' },
  request: VendorRequest,
): VendorResponse {
  const headers = { 'content-type': 'application/json' };
  if (fault.kind === 'answer') return fault.answer(request);
  if (fault.kind === 'malformed') return { status: 200, headers, body: '{"results":[{"id":' };
  const body = JSON.stringify({ error: { message: `refused ${request.body}`, request } });
  return { status: fault.status, headers: { ...headers, ...fault.headers }, body };
}
