import { expect, test } from 'vitest';
import { proxySettings, readProxies, type ProxySettings } from './proxies.ts';
import { DestinationError } from './verdict.ts';

const httpsProxy = 'http://proxy.example.com:3128';
const isProxied = (noProxy: string, url: string): boolean =>
  readProxies({ httpsProxy, httpProxy: httpsProxy, noProxy })(new URL(url)) !== undefined;

test.each([
  ['crm.example.com', 'https://crm.example.com/', false],
  ['CRM.Example.com', 'https://crm.example.com./', false],
  ['example.com', 'https://crm.example.com/', false],
  ['.example.com', 'https://crm.example.com/', false],
  ['.example.com', 'https://example.com/', false],
  ['*.example.com', 'https://crm.example.com/', false],
  ['*.example.com', 'https://example.com/', true],
  ['example.com', 'https://anexample.com/', true],
  ['example.com', 'https://example.com.org/', true],
  ['crm.example.com', 'https://example.com/', true],
  ['*', 'https://crm.example.com/', false],
  ['crm.example.com:443', 'https://crm.example.com/', false],
  ['crm.example.com:80', 'http://crm.example.com/', false],
  ['crm.example.com:8443', 'https://crm.example.com/', true],
  ['*:8443', 'https://crm.example.com:8443/', false],
  ['a.org, crm.example.com', 'https://crm.example.com/', false],
  ['a.org  crm.example.com', 'https://crm.example.com/', false],
  [' , ', 'https://crm.example.com/', true],
  ['10.1.2.3', 'https://10.1.2.3/', false],
  ['10.1.2.3:443', 'https://10.1.2.3/', false],
  ['10.0.0.0/8', 'https://10.1.2.3/', false],
  ['10.0.0.0/8', 'https://11.1.2.3/', true],
  ['10.0.0.0/8', 'https://10.example.com/', true],
  ['2606:4700::/32', 'https://[2606:4700::1111]/', false],
  ['2606:4700::1111', 'https://[2606:4700::1111]/', false],
  ['[2606:4700::1111]:443', 'https://[2606:4700::1111]/', false],
  ['[2606:4700::1111]:8443', 'https://[2606:4700::1111]/', true],
  ['', 'https://localhost/', false],
  ['', 'https://a.localhost/', false],
  ['', 'https://127.1.2.3/', false],
  ['', 'https://[::1]/', false],
])('with NO_PROXY %j, %s goes through the proxy: %s', (noProxy, url, expected) => {
  expect(isProxied(noProxy, url)).toBe(expected);
});

test('each protocol has its own proxy, and none where there is none', () => {
  const http = new URL('http://crm.example.com/');
  const https = new URL('https://crm.example.com/');
  expect(readProxies({ httpsProxy })(http)).toBeUndefined();
  expect(readProxies({ httpsProxy })(https)).toMatchObject({ host: 'proxy.example.com', port: 3128, isTls: false });
  expect(readProxies({ httpProxy: httpsProxy, httpsProxy: '' })(https)).toBeUndefined();
  expect(readProxies({})(https)).toBeUndefined();
});

test.each([
  ['proxy.example.com:3128', { host: 'proxy.example.com', port: 3128, isTls: false }],
  ['http://proxy.example.com', { port: 80 }],
  ['https://proxy.example.com', { port: 443, isTls: true }],
  ['http://[::1]:3128/', { host: '::1', port: 3128 }],
  ['http://me:p%40ss%3A@proxy.example.com', { authorization: `Basic ${btoa('me:p@ss:')}` }],
  ['http://me@proxy.example.com', { authorization: `Basic ${btoa('me:')}` }],
  ['http://proxy.example.com', { authorization: undefined }],
])('%s is read', (httpsProxyUrl, expected) => {
  expect(readProxies({ httpsProxy: httpsProxyUrl })(new URL('https://crm.example.com/'))).toMatchObject(expected);
});

test.each([
  ['socks5://me:hush@proxy.example.com', 'a proxy of socks5 is not supported'],
  ['http://me:hush%zz@proxy.example.com', 'its credentials are not written as a URL has them'],
  // In a header the first colon ends the name (RFC 7617, section 2).
  ['http://hush%3Ame:hush@proxy.example.com', 'the name of its credentials has a colon'],
  ['http://me:hush@', 'it is not the URL of a proxy'],
  ['http://hush hush', 'it is not the URL of a proxy'],
])('a proxy that cannot be used stops the start, and is not shown: %s', (httpsProxyUrl, why) => {
  for (const [variable, settings] of [
    ['HTTPS_PROXY', { httpsProxy: httpsProxyUrl }],
    ['HTTP_PROXY', { httpProxy: httpsProxyUrl }],
    ['ALL_PROXY', { allProxy: httpsProxyUrl }],
  ] as const) {
    const failing = () => readProxies(settings);
    expect(failing).toThrow(DestinationError);
    expect(failing).toThrow(`Failed to read ${variable}: ${why}`);
    expect(failing).not.toThrow('hush');
  }
});

test.each(['10.0.0.0/33', '10.0.0.0/x', 'example.com/8', 'a*b', '[::1', 'https://example.com'])(
  'NO_PROXY with %s is refused',
  (noProxy) => {
    expect(() => readProxies({ httpsProxy, noProxy })).toThrow('Failed to read NO_PROXY');
  },
);

test('the variables are read in both cases, the lower one first', () => {
  expect(proxySettings({ HTTPS_PROXY: 'a', https_proxy: 'b', HTTP_PROXY: 'c', no_proxy: 'd' })).toEqual({
    httpsProxy: 'b',
    httpProxy: 'c',
    noProxy: 'd',
  });
  expect(proxySettings({ ALL_PROXY: 'a', all_proxy: 'b' })).toEqual({ allProxy: 'b' });
  expect(proxySettings({ ALL_PROXY: 'a' })).toEqual({ allProxy: 'a' });
});

test('ALL_PROXY is the proxy of each protocol that has none of its own; an empty one is a direct way', () => {
  const hosts = (settings: ProxySettings) =>
    ['https://crm.example.com', 'http://crm.example.com'].map((url) => readProxies(settings)(new URL(url))?.host);
  const allProxy = 'http://all.example.com:3128';
  expect(hosts({ allProxy })).toEqual(['all.example.com', 'all.example.com']);
  expect(hosts({ allProxy, httpsProxy })).toEqual(['proxy.example.com', 'all.example.com']);
  expect(hosts({ allProxy, httpProxy: '' })).toEqual(['all.example.com', undefined]);
  expect(hosts({ allProxy, httpsProxy: '', noProxy: 'crm.example.com' })).toEqual([undefined, undefined]);
  expect(hosts({ allProxy: '' })).toEqual([undefined, undefined]);
  // It counts for nothing where both have their own, whatever it says.
  expect(hosts({ allProxy: 'socks5://a', httpsProxy, httpProxy: '' })).toEqual(['proxy.example.com', undefined]);
});
