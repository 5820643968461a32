import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { clientCertificate } from './client-certificate.ts';
import { createHttpClient } from './http.ts';
import { Secret } from './secret.ts';

/** Made for these tests, valid for a hundred years, and trusted nowhere else. */
const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../fixtures/mutual-tls', `${name}.pem`), 'utf8');
const own = { certificate: new Secret(pem('client')), key: new Secret(pem('client-key')) };
const never = new AbortController().signal;

/** A server that answers only who shows a certificate of the authority, with the name in it. */
async function startServer() {
  const options = {
    cert: pem('server'),
    key: pem('server-key'),
    ca: pem('authority'),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const shown: unknown[] = [];
  const server = createServer(options, (_request, response) => response.end());
  server.on('secureConnection', (socket) => shown.push(socket.getPeerCertificate().subject.CN));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const http = createHttpClient({ allowPrivateAddresses: true, certificateAuthorities: pem('authority') });
  onTestFinished(async () => {
    await http.close();
    server.close();
    server.closeAllConnections();
  });
  return { http, shown, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

test('a request shows its certificate, and another request of the same client does not', async () => {
  const { http, url, shown } = await startServer();
  const request = { method: 'GET', url, headers: {} } as const;
  const certified = { ...request, clientCertificate: clientCertificate('clientCertificate', own) };
  expect(await http.send(certified, never)).toMatchObject({ status: 200 });
  const refused = http.send(request, never);
  await expect(refused).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(refused).rejects.toThrow(/refuses the client certificate, or wants one/);
  expect(await http.send(certified, never)).toMatchObject({ status: 200 });
  expect(shown).toEqual(['client']);
});

test('a certificate that is not trusted is set-up and says certificate, and no request is in doubt', async () => {
  const { url } = await startServer();
  const stranger = createHttpClient({ allowPrivateAddresses: true });
  onTestFinished(() => stranger.close());
  const told = stranger.send({ method: 'POST', url, headers: {}, body: '{}' }, never);
  await expect(told).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(told).rejects.toThrow(
    /^Failed to call https:\/\/127\.0\.0\.1:\d+: its certificate is signed by an authority that is not trusted here\. .*\([A-Z_]+\)\.$/,
  );
});

test.each([
  ['no PEM', { certificate: new Secret('hush'), key: own.key }],
  ['a key of another certificate', { certificate: own.certificate, key: new Secret(pem('server-key')) }],
])('%s stops the start, and shows nothing of it', (_what, wrong) => {
  const failing = () => clientCertificate('clientCertificate', wrong);
  expect(failing).toThrow(expect.objectContaining({ class: 'set-up' }));
  expect(failing).toThrow('Failed to read the setting clientCertificate: it is not a certificate in PEM');
  expect(failing).not.toThrow('hush');
});

test('neither certificate nor key is seen in a request that is printed', () => {
  const request = { clientCertificate: clientCertificate('clientCertificate', own) };
  expect(inspect(request, { depth: 9 })).not.toContain('PRIVATE');
  expect(JSON.stringify(request)).not.toContain('PRIVATE');
});
