import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createHttpClient, type HttpRequest, Secret } from '@activation-hub/destination-kit';
import { afterEach, expect, test, vi } from 'vitest';
import { dynamics365 } from './destination.ts';
import { dynamics365Options, dynamics365Settings } from './settings.ts';
import { startDynamics365Vendor } from './vendor.ts';

const guid = '6a5a2f1e-1111-4222-8333-944455566677';
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(settings: object, context: object = {}) {
  const vendor = await startDynamics365Vendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const written = {
    environmentUrl: vendor.origin,
    signInUrl: vendor.origin,
    tenantId: 'contoso.example',
    clientId: guid,
    ...settings,
  };
  const parsed = dynamics365Settings.parse(written);
  const connector = dynamics365.connect(parsed, { http, now: Date.now, print: () => undefined, ...context });
  const asked = (path: string) => vendor.requests.filter(({ url }) => url.includes(path)).map(({ body }) => body);
  return { vendor, connector, asked };
}

const fans = dynamics365Options.parse({ list: 'Sports Fans' });

const pem = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../../destination-kit/fixtures/mutual-tls', name), 'utf8');
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });

test('a certificate signs the application in, and no secret is sent', async () => {
  const clientCertificate = { certificate: new Secret(pem('client.pem')), key: new Secret(rsaKey.toString()) };
  const { vendor, connector, asked } = await start({ clientCertificate });
  expect(await connector.probe?.([fans], never)).toEqual([]);
  const form = new URLSearchParams(asked('/token')[0]);
  expect(form.get('client_secret')).toBeNull();
  const claims: unknown = JSON.parse(
    Buffer.from(form.get('client_assertion')?.split('.')[1] ?? '', 'base64url').toString(),
  );
  expect(claims).toMatchObject({ iss: guid, sub: guid, aud: `${vendor.origin}/contoso.example/oauth2/v2.0/token` });
});

test.each([
  [{ certificate: new Secret('no certificate'), key: new Secret(rsaKey.toString()) }, 'clientCertificate.certificate'],
  [{ certificate: new Secret(pem('client.pem')), key: new Secret('no key') }, 'clientCertificate.key'],
])('a certificate that cannot be used stops the start', async (clientCertificate, setting) => {
  await expect(start({ clientCertificate })).rejects.toMatchObject({ class: 'set-up' });
  await expect(start({ clientCertificate })).rejects.toThrow(setting);
});

test('a dry run of a managed identity asks for no token', async () => {
  const recorded: HttpRequest[] = [];
  const { vendor, connector } = await start(
    { managedIdentity: true },
    { record: (request: HttpRequest) => recorded.push(request) },
  );
  await expect(connector.probe?.([fans], never)).rejects.toMatchObject({ class: 'set-up' });
  expect(vendor.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ['/api/data/v9.2/WhoAmI', undefined],
  ]);
});

test('one way to sign in is named, and no more', () => {
  const base = { environmentUrl: 'https://contoso.crm4.dynamics.com', tenantId: guid, clientId: guid };
  for (const ways of [{}, { clientSecret: new Secret('x'), managedIdentity: true }]) {
    expect(() => dynamics365Settings.parse({ ...base, ...ways })).toThrow('Write exactly one of clientSecret');
  }
});

test('the managed identity of the app signs in, for this environment alone', async () => {
  const asked: string[] = [];
  const expiry = Math.floor(Date.now() / 1000) + 3_600;
  const token = { access_token: 'token-1', expires_on: String(expiry), resource: 'r', token_type: 'Bearer' };
  // The identity endpoint of a function app, which `@azure/identity` finds by these two variables.
  const endpoint = createServer((request, response) => {
    asked.push(decodeURIComponent(request.url ?? ''));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
  });
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => endpoint.close(() => resolve())));
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/msi/token`);
  vi.stubEnv('IDENTITY_HEADER', 'header');
  const { vendor, connector, asked: askedVendor } = await start({ managedIdentity: true });
  // Microsoft gives the identity a token that Dataverse then knows.
  const form = { grant_type: 'client_credentials', client_secret: 's', scope: `${vendor.origin}/.default` };
  await fetch(`${vendor.origin}/contoso.example/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  vendor.forgetRequests();
  expect(await connector.probe?.([fans], never)).toEqual([]);
  expect(askedVendor('/token')).toEqual([]);
  expect(new Set(vendor.requests.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer token-1']));
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain(guid);
  expect(asked[0]).toContain(`resource=${vendor.origin}`);
});
