import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

/**
 * A server with a certificate of its own for 127.0.0.1, and the file of the authority that vouches
 * for it.
 */
const certificates = join(import.meta.dirname, '../../../../libs/destination-kit/fixtures/mutual-tls');

/**
 * An environment in Azure: `pulumi` that prints outputs, `az` that signs in, and a storage account
 * that answers so.
 */
async function startEnvironment(status: number, code: string) {
  const pem = (name: string): Promise<string> => readFile(join(certificates, `${name}.pem`), 'utf8');
  const authorizations: (string | undefined)[] = [];
  const server = createServer({ cert: await pem('server'), key: await pem('server-key') }, (request, response) => {
    authorizations.push(request.headers.authorization);
    response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // The SDKs look for the account in the path where the host is an address.
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/account/`;

  const root = await temporaryFolder();
  await mkdir(join(root, 'infra'));
  await writeFile(join(root, 'infra', 'Pulumi.yaml'), 'name: activation-hub\n');
  const outputs = { dataBlobEndpoint: url, dataQueueEndpoint: url, dataTableEndpoint: url };
  const token = { accessToken: 'token-of-the-person', expires_on: 4_102_444_800, tokenType: 'Bearer' };
  for (const [command, printed] of [
    ['pulumi', outputs],
    ['az', token],
  ] as const)
    await writeFile(join(root, command), `#!/bin/sh\necho '${JSON.stringify(printed)}'\n`, { mode: 0o755 });
  const environment = {
    PATH: `${root}${delimiter}${process.env.PATH ?? ''}`,
    AZURE_TOKEN_CREDENTIALS: 'AzureCLICredential',
    NODE_EXTRA_CA_CERTS: join(certificates, 'authority.pem'),
  };
  return { authorizations, act: (...words: string[]) => runActivation(words, { environment, folder: root }) };
}

test('the storage of an environment is found by its stack, and opened with the sign-in of the person', async () => {
  const { authorizations, act } = await startEnvironment(403, 'AuthorizationPermissionMismatch');
  const refused = await act('dead-letters', 'list', '--environment', 'dev');
  expect(refused).toMatchObject({ code: 1, output: '' });
  expect(refused.errors).toMatch(
    /answered 403 AuthorizationPermissionMismatch\. The signed-in account lacks the role Storage Blob Data Contributor on that account\. .* Storage Queue Data Contributor and Storage Table Data Contributor are needed too\./,
  );
  expect(authorizations).toContain('Bearer token-of-the-person');

  const both = await act('dead-letters', 'list', '--environment', 'dev', '--connection-string', 'x');
  expect(both.errors).toBe('Failed to find the storage: give --environment or --connection-string, not both.\n');
  expect(both.code).toBe(2);
});
