import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import { answerJson, ApiError, readJson, securityHeaders } from './answers.ts';
import type { EventStream } from './event-stream.ts';
import { refusalOfCaller, refusalOfHost, type Place } from './guards.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import type { PageFiles } from './page-files.ts';

/**
 * Where a console is, unless the port is taken; the same each time, so that addresses within it can
 * be kept.
 */
export const usualConsolePort = 7411;

/** What one request of the page asks. */
export interface ApiRequest {
  /** The part of the path for which the pattern has `*`, decoded; empty without one. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** Of a POST. */
  readonly body: unknown;
  /** Aborted when the page goes away. */
  readonly signal: AbortSignal;
}

/** By method and path below `/api/`, such as `GET changes/*`. What it gives is sent as JSON. */
export type Api = Readonly<Record<string, (request: ApiRequest) => unknown>>;

export interface ConsoleServer {
  /** With the token, for a person to open. */
  readonly url: string;
  /** For the command line of a program that opens it: without the token, and used up by that. */
  readonly oneTimeUrl: () => string;
  stop(): Promise<void>;
}

export interface ConsoleOptions {
  readonly page: PageFiles;
  readonly stream: EventStream;
  /** What it answers now. */
  readonly api: () => Api;
  /** Taken when it is free; any other one else. 0 is any. */
  readonly port: number;
  readonly say: (line: string) => void;
  /** A failure with what the person lacks or can do about it; as it is, when left out. */
  readonly explained?: (error: unknown) => unknown;
}

/**
 * Serves the console to this machine. The page itself has no secret; requests for data need the
 * token, which is new at each start.
 */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const token = randomBytes(24).toString('base64url');
  const codes = new OneTimeCodes(() => performance.now());
  const server = createServer();
  const port = await listen(server, options.port);
  server.on('request', (request, response) => {
    answer(request, response, { ...options, codes, place: { port, token } }).catch((error: unknown) =>
      answerFailure(options.explained?.(error) ?? error, response, options.say),
    );
  });
  return {
    url: `http://127.0.0.1:${port}/#token=${token}`,
    oneTimeUrl: () => `http://127.0.0.1:${port}${openPath}${codes.make()}`,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (isTaken && port !== 0) return listen(server, 0);
    throw new CommandError(1, `Failed to serve the console: ${reasonOf(error)} Leave it out with --no-console.`, {
      cause: error,
    });
  }
  return (server.address() as AddressInfo).port;
}

type Answering = Omit<ConsoleOptions, 'port'> & { readonly place: Place; readonly codes: OneTimeCodes };

/** Where a code that opens the console once is taken. */
const openPath = '/open/';

async function answer(request: IncomingMessage, response: ServerResponse, answering: Answering): Promise<void> {
  const { page, stream, api, place } = answering;
  const refusal = refusalOfHost(request.headers, place);
  if (refusal !== undefined) {
    answerJson(response, refusal.status, { message: refusal.message });
    return;
  }
  const url = URL.parse(request.url ?? '/', `http://127.0.0.1:${place.port}`);
  if (url === null) throw new ApiError(400, 'The address cannot be read. Open the one that the command printed.');
  if (url.pathname.startsWith(openPath)) {
    answerCode(request, response, url.pathname.slice(openPath.length), answering);
    return;
  }
  if (!url.pathname.startsWith('/api/')) {
    await page.answer(request, response, url.pathname);
    return;
  }
  const refused = refusalOfCaller(request.headers, place);
  if (refused !== undefined) {
    answerJson(response, refused.status, { message: refused.message });
    return;
  }
  const path = url.pathname.slice('/api/'.length);
  if (request.method === 'GET' && path === 'stream') {
    stream.open(response, { showsPeople: url.searchParams.get('people') === 'shown' });
    return;
  }
  const { handler, name } = handlerFor(api(), request.method ?? 'GET', path);
  const ended = new AbortController();
  response.on('close', () => ended.abort());
  const body = request.method === 'GET' ? undefined : await readJson(request);
  const value = await handler({ name, query: url.searchParams, body, signal: ended.signal });
  answerJson(response, 200, value ?? {});
}

function answerCode(
  { method }: IncomingMessage,
  response: ServerResponse,
  code: string,
  { codes, place: { token } }: Answering,
): void {
  if (method !== 'GET') throw new ApiError(405, 'Only GET is answered here.');
  if (!codes.use(code)) {
    const address = 'Open the address that the command printed when it started.';
    throw new ApiError(410, `This address opens the console once, for a minute. ${address}`);
  }
  response.writeHead(303, { ...securityHeaders(), location: `/#token=${token}`, 'cache-control': 'no-store' }).end();
}

function handlerFor(api: Api, method: string, path: string): { readonly handler: Api[string]; readonly name: string } {
  for (const [pattern, handler] of Object.entries(api)) {
    const [wanted, ...parts] = pattern.split(/[ /]/);
    const given = path.split('/');
    if (wanted !== method || parts.length !== given.length) continue;
    if (!parts.every((part, index) => part === '*' || part === given[index])) continue;
    return { handler, name: decoded(given[parts.indexOf('*')] ?? '') };
  }
  throw new ApiError(404, `There is no ${method} ${path} here. Load the page again: it may be of another version.`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, 'Failed to read the address: what it names is not encoded as it should be.');
  }
}

function answerFailure(error: unknown, response: ServerResponse, say: ConsoleOptions['say']): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (error instanceof ApiError) answerJson(response, error.status, { message: error.message });
  else if (error instanceof CommandError) answerJson(response, 422, { message: error.message });
  else if (error instanceof Error && error.message.startsWith('Failed to ')) {
    answerJson(response, 502, { message: error.message });
  } else {
    say(`The console failed, which is a defect of it. ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
    answerJson(response, 500, { message: 'The console failed, which is a defect of it. The terminal says more.' });
  }
}
