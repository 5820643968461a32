import { BlockList, isIP } from 'node:net';
import { DestinationError } from './verdict.ts';

/**
 * Proxies for outbound requests, each as the environment variable that is named here has it. An
 * empty text is none, also where `ALL_PROXY` names one.
 */
export interface ProxySettings {
  /**
   * `HTTPS_PROXY`: URL of the proxy for https, such as `http://proxy.example.com:3128`. It may hold
   * credentials.
   */
  readonly httpsProxy?: string | undefined;
  /** `HTTP_PROXY`: the same for plain http, which only local runs use. */
  readonly httpProxy?: string | undefined;
  /**
   * `ALL_PROXY`: the same for https and plain http, where the variable of the protocol is not set.
   */
  readonly allProxy?: string | undefined;
  /**
   * `NO_PROXY`: what is called directly, with commas or spaces between: a host (and all below it),
   * `.example.com` (the same), `*.example.com` (only what is below it), an address, a network
   * (`10.0.0.0/8`), each also with a port (`example.com:8443`, `[2606:4700::1]:443`), or `*` for
   * everything. This machine itself (localhost, 127.0.0.1) is always called directly.
   */
  readonly noProxy?: string | undefined;
}

/**
 * Where the settings stand in an environment; a name in lower case counts before the same in
 * capitals, as for curl.
 */
export function proxySettings(
  environment: Readonly<Partial<Record<ProxyVariable, string | undefined>>>,
): ProxySettings {
  return {
    httpsProxy: environment.https_proxy ?? environment.HTTPS_PROXY,
    httpProxy: environment.http_proxy ?? environment.HTTP_PROXY,
    allProxy: environment.all_proxy ?? environment.ALL_PROXY,
    noProxy: environment.no_proxy ?? environment.NO_PROXY,
  };
}

type ProxyName = 'https_proxy' | 'http_proxy' | 'all_proxy' | 'no_proxy';
type ProxyVariable = ProxyName | Uppercase<ProxyName>;

/** A proxy, read. */
export interface Proxy {
  readonly isTls: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of the header `proxy-authorization`: a secret. */
  readonly authorization: string | undefined;
}

/** Gives the proxy through which a URL is called; `undefined` when it is called directly. */
export type ChooseProxy = (url: URL) => Proxy | undefined;

/**
 * Reads proxy settings. Throws `DestinationError` of class `set-up`, which names the variable and
 * shows nothing of its value, for a proxy that cannot be used (SOCKS, a URL that is none) and for
 * an entry of `NO_PROXY` that cannot be read.
 */
export function readProxies({ httpsProxy, httpProxy, allProxy = '', noProxy = '' }: ProxySettings): ChooseProxy {
  const read = (variable: string, text: string | undefined): Proxy | undefined => {
    if (text === undefined) return allProxy === '' ? undefined : readProxy('ALL_PROXY', allProxy);
    return text === '' ? undefined : readProxy(variable, text);
  };
  const forHttps = read('HTTPS_PROXY', httpsProxy);
  const forHttp = read('HTTP_PROXY', httpProxy);
  const exceptions = noProxy.split(/[\s,]+/).filter((entry) => entry !== '');
  const matches = exceptions.map(readException);
  return (url) => {
    const proxy = url.protocol === 'https:' ? forHttps : forHttp;
    if (proxy === undefined) return undefined;
    const host = hostOf(url);
    const port = portOf(url);
    return isThisMachine(host) || matches.some((match) => match(host, port)) ? undefined : proxy;
  };
}

/** Without brackets, and without the dot that ends a full name. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/(.)\.$/, '$1');

export const portOf = ({ protocol, port }: URL): number => {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
};

const isLoopback = networkMatch('127.0.0.0', '8');
const isThisMachine = (host: string): boolean =>
  host === '::1' || isLoopback?.(host) === true || host === 'localhost' || host.endsWith('.localhost');

function readProxy(variable: string, text: string): Proxy {
  const refuse = (why: string) => new DestinationError('set-up', `Failed to read ${variable}: ${why}`);
  // Many write the host and the port alone, and mean http.
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === '') {
    throw refuse('it is not the URL of a proxy. Write it like http://proxy.example.com:3128.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const what = /^[a-z0-9]+:$/.test(url.protocol) ? url.protocol.slice(0, -1) : 'this protocol';
    throw refuse(`a proxy of ${what} is not supported. Name one of http or https, which can tunnel (CONNECT).`);
  }
  const isTls = url.protocol === 'https:';
  return { isTls, host: hostOf(url), port: portOf(url), authorization: authorizationOf(url, refuse) };
}

function authorizationOf({ username, password }: URL, refuse: (why: string) => Error): string | undefined {
  if (username === '' && password === '') return undefined;
  const [name, secret] = [username, password].map((text) => decodedText(text, refuse));
  // In a header the first colon ends the name (RFC 7617, section 2).
  if (name?.includes(':')) throw refuse('the name of its credentials has a colon, which no proxy can read.');
  return `Basic ${Buffer.from(`${name ?? ''}:${secret ?? ''}`).toString('base64')}`;
}

function decodedText(text: string, refuse: (why: string) => Error): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The error of the decoder quotes what it could not read.
    throw refuse('its credentials are not written as a URL has them. Encode a percent sign as %25.');
  }
}

type Match = (host: string, port: number) => boolean;

function readException(entry: string): Match {
  // Without brackets the colons of an IPv6 address are its own.
  const isBareAddress = isIP(entry.split('/')[0] ?? '') !== 0;
  const parts = isBareAddress ? [] : /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(entry);
  const [, bracketed, bare, portText] = parts ?? [];
  const name = (isBareAddress ? entry : (bracketed ?? bare ?? '')).toLowerCase();
  const isPort: (port: number) => boolean = (port) => portText === undefined || Number(portText) === port;
  const matchesHost = hostMatch(name);
  if (matchesHost === undefined) {
    throw new DestinationError(
      'set-up',
      'Failed to read NO_PROXY: an entry is neither a host, an address nor a network. Write it like example.com, 10.0.0.5 or 10.0.0.0/8.',
    );
  }
  return (host, port) => isPort(port) && matchesHost(host);
}

function hostMatch(name: string): ((host: string) => boolean) | undefined {
  if (name === '*') return () => true;
  const [address = '', prefix] = name.split('/');
  if (prefix !== undefined || isIP(name) !== 0) return networkMatch(address, prefix);
  const suffix = name.replace(/^\*?\./, '').replace(/\.$/, '');
  if (!/^[^\s/*:[\]]+$/.test(suffix)) return undefined;
  const isBelowOnly = name.startsWith('*.');
  return (host) => host.endsWith(`.${suffix}`) || (!isBelowOnly && host === suffix);
}

function networkMatch(address: string, prefix: string | undefined): ((host: string) => boolean) | undefined {
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
  if (family === 0 || !(length <= bits)) return undefined;
  const type = (of: number) => (of === 4 ? 'ipv4' : 'ipv6');
  const network = new BlockList();
  network.addSubnet(address, length, type(family));
  return (host) => isIP(host) !== 0 && network.check(host, type(isIP(host)));
}
