import { Agent as HttpAgent, request as httpRequest, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect, TLSSocket, type ConnectionOptions } from 'node:tls';
import { lookupPublic, refusePrivateName } from './address-guard.ts';
import type { Proxy } from './proxies.ts';
import { DestinationError } from './verdict.ts';

/** How connections are made, the same for all of a client. */
export interface ConnectionSettings {
  /** For the connection alone, name resolution, tunnel and TLS included. */
  readonly connectTimeoutMs: number;
  readonly connectionsPerOrigin: number;
  readonly allowPrivateAddresses: boolean;
  /** PEM, instead of the certificate authorities that Node trusts. */
  readonly certificateAuthorities?: string | undefined;
}

/** How long an idle connection stays open: most servers close theirs after five seconds. */
const idleMs = 4_000;

/** The connection was not there in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
  readonly code = 'CONNECT_TIMEOUT';
}

type Connected = (error: Error | null, socket?: Duplex) => void;
/**
 * Keeps connections of http or https, direct ones or through one proxy. Connections with different
 * certificates are different ones.
 */
export function createAgent(isTls: boolean, proxy: Proxy | undefined, settings: ConnectionSettings): HttpAgent {
  const Agent = isTls ? HttpsAgent : HttpAgent;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: settings.connectionsPerOrigin,
    timeout: idleMs,
    ...(proxy === undefined && !settings.allowPrivateAddresses && { lookup: lookupPublic }),
    ...(settings.certificateAuthorities !== undefined && { ca: settings.certificateAuthorities }),
  });
  const direct = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    if (proxy === undefined) {
      const socket = direct(options, callback) as Socket;
      limitConnecting(socket, settings.connectTimeoutMs);
      return socket;
    }
    const connected = callback as Connected;
    openTunnel(options, isTls, proxy, settings).then(
      (socket) => connected(null, socket),
      (error: unknown) => connected(error as Error),
    );
    return undefined;
  };
  return agent;
}

/** Whether what is written to a socket goes out at once; else the event after which it does. */
export function readiness(socket: Socket): 'ready' | 'connect' | 'secureConnect' {
  if (socket instanceof TLSSocket) return 'secureConnect';
  return socket.connecting ? 'connect' : 'ready';
}

function limitConnecting(socket: Socket, timeoutMs: number): void {
  const event = readiness(socket);
  if (event === 'ready') return;
  const timer = setTimeout(() => socket.destroy(new ConnectTimeoutError('no connection in time')), timeoutMs);
  const stop = (): void => clearTimeout(timer);
  socket.once(event, stop).once('close', stop);
}

/**
 * Opens a tunnel (CONNECT, RFC 9110, section 9.3.6) and TLS to the destination in it: the proxy
 * sees the host and nothing more.
 */
async function openTunnel(
  options: ClientRequestArgs,
  isTls: boolean,
  proxy: Proxy,
  settings: ConnectionSettings,
): Promise<Duplex> {
  const host = options.host ?? '';
  const startedMs = performance.now();
  if (!settings.allowPrivateAddresses) await refusePrivateName(host);
  const socket = await connectThrough(proxy, { host, port: Number(options.port) }, settings);
  if (!isTls) return socket;
  const secure = tlsConnect({ ...(options as ConnectionOptions), host, socket, ALPNProtocols: ['http/1.1'] });
  limitConnecting(secure, Math.max(1, settings.connectTimeoutMs - (performance.now() - startedMs)));
  return secure;
}

function connectThrough(
  proxy: Proxy,
  { host, port }: { readonly host: string; readonly port: number },
  { connectTimeoutMs, certificateAuthorities }: ConnectionSettings,
): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const request = (proxy.isTls ? httpsRequest : httpRequest)({
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    agent: false,
    headers: {
      host: authority,
      ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
    },
    ...(certificateAuthorities !== undefined && { ca: certificateAuthorities }),
  });
  const timer = setTimeout(() => request.destroy(new ConnectTimeoutError('no tunnel in time')), connectTimeoutMs);
  request.once('connect', ({ statusCode = 0 }, socket: Duplex, head) => {
    clearTimeout(timer);
    if (statusCode >= 200 && statusCode < 300) {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
      return;
    }
    socket.on('error', () => undefined).destroy();
    reject(refusalOf(statusCode, `${host}:${port}`));
  });
  request.once('error', (error) => {
    clearTimeout(timer);
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    reject(proxyError('transient', authority, `the proxy cannot be reached (${code}). Check the proxy settings.`));
  });
  request.end();
  return promise;
}

/** What an answer of the proxy to CONNECT means. The destination was told nothing. */
function refusalOf(status: number, authority: string): DestinationError {
  if (status === 407) {
    return proxyError(
      'set-up',
      authority,
      'the proxy asks for other credentials (407). Put a name and a password into the URL of the proxy; no other way to sign in there is supported.',
    );
  }
  if (status >= 500 || status === 408 || status === 429) {
    return proxyError('transient', authority, `the proxy answered ${status}. It is tried again.`);
  }
  return proxyError('set-up', authority, `the proxy refuses it (${status}). Allow this host there.`);
}

const proxyError = (errorClass: 'set-up' | 'transient', authority: string, why: string): DestinationError =>
  new DestinationError(errorClass, `Failed to connect to ${authority}: ${why}`);
