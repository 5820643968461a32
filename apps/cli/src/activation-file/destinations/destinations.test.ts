import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseActivationFile } from '@activation-hub/activation-file';
import { createHttpClient } from '@activation-hub/destination-kit';
import { startVendorServer } from '@activation-hub/destination-kit/testing';
import { referenceEntries } from '@activation-hub/activation-file/reference';
import { destinationTypes } from '@activation-hub/destinations';
import { expect, onTestFinished, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { definitions, everyDestination } from '../../../testing/every-destination.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { writeVendorFile } from '../../traffic/local/vendor-file.ts';
import { run } from '../../main.ts';
import { startStandIns } from '../stand-ins.ts';
import { chooseSecrets } from '../../environment/secrets.ts';

async function destinations(words: readonly string[], options: Parameters<typeof capturedTerminal>[0] = {}) {
  const terminal = capturedTerminal(options);
  const code = await run(['destinations', ...words], terminal);
  return { code, output: terminal.printed.join('\n'), errors: terminal.said.join('\n') };
}

test('list names every kind with what it does', async () => {
  const { code, output } = await destinations(['list']);
  expect(code).toBe(0);
  expect(output.split('\n').map((line) => line.split(' ')[0])).toEqual(['type', ...destinationTypes]);
  const json = JSON.parse((await destinations(['list', '--json'])).output) as { destinations: { type: string }[] };
  expect(json.destinations.map(({ type }) => type)).toEqual(destinationTypes);
});

test.each([...definitions])(
  'describe %s shows every setting and term, and a file that is right',
  async (type, definition) => {
    const { code, output } = await destinations(['describe', type]);
    expect(code).toBe(0);
    for (const schema of [definition.settings, definition.options]) {
      for (const { path, meaning } of referenceEntries(schema)) {
        expect(output).toContain(`  ${path}  `);
        expect(output).toContain(meaning);
      }
    }
    const [, file = ''] = output.split('In an activation file\n');
    const parsed = parseActivationFile(file.replace(/^ {2}/gm, ''), { fileName: type, destinations: definitions });
    expect(parsed.routes).toHaveLength(1);
    const json = JSON.parse((await destinations(['describe', type, '--json'])).output) as Record<string, unknown>;
    expect(json).toMatchObject({ type, settings: { type: 'object' }, options: { type: 'object' } });
  },
);

test.each([
  ['pigeon', 'Failed to find the destination pigeon: there are'],
  [
    '@acme/pigeon',
    'Failed to load the destination @acme/pigeon: there is no such package. Run npm install @acme/pigeon.',
  ],
])('describe %s says what there is instead', async (type, sentence) => {
  const { code, errors } = await destinations(['describe', type]);
  expect(code).toBe(2);
  expect(errors).toContain(sentence);
});

/** A file of all destinations whose stand-ins are up, and what the environment must hold. */
async function standInFile(change: (file: ReturnType<typeof everyDestination>) => void = () => undefined) {
  const written = everyDestination();
  const path = join(await temporaryFolder(), 'every.json');
  await writeFile(path, JSON.stringify(written));
  const file = parseActivationFile(JSON.stringify(written), { fileName: path, destinations: definitions });
  const standIns = await startStandIns(file);
  onTestFinished(() => standIns.close());
  change(written);
  await writeFile(path, JSON.stringify(written));
  const copy = await writeVendorFile(path, standIns);
  onTestFinished(() => copy.remove());
  return { path: copy.path, environment: { ...copy.secrets, ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true' } };
}

interface Report {
  readonly ok: boolean;
  readonly destinations: readonly { destination: string; outcome: string; problems: readonly string[] }[];
}

test('probe finds all stand-ins in order, and changes nothing', async () => {
  const { path, environment } = await standInFile();
  const { code, output } = await destinations(['probe', '-a', path, '--json'], { environment });
  const report = JSON.parse(output) as Report;
  expect(report.destinations.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(report.destinations.map(({ destination }) => destination)).toEqual(destinationTypes);
  expect(report).toMatchObject({ ok: true });
  expect(code).toBe(0);
});

test('probe names every problem of every destination and exits with 1', async () => {
  const { path, environment } = await standInFile((written) => {
    const { audiences } = written as {
      audiences: Record<string, { activate: { destination: string; options: object }[] }>;
    };
    for (const route of audiences['sports-fans']?.activate ?? [])
      if (route.destination === 'hubspot') route.options = { list: 'Nobody made it' };
  });
  const without = { ...environment, ACTIVATION_SECRET_BRAZE_API_KEY: '' };
  const { code, output, errors } = await destinations(['probe', '-a', path], { environment: without });
  expect(code).toBe(1);
  expect(output).toMatch(/^hubspot +hubspot +1 problem$/m);
  expect(output).toContain('hubspot: Failed to find the HubSpot list "Nobody made it". Create it');
  expect(output).toContain(
    'braze: ACTIVATION_SECRET_BRAZE_API_KEY is not set. Set it, or give --environment or --vault',
  );
  expect(output).toMatch(/^salesforce +salesforce +well$/m);
  expect(errors).toContain('Failed to probe braze, hubspot: correct the problems that are listed above.');
});

test('probe warns of a version of an API that has ended', async () => {
  const { path, environment } = await standInFile();
  const file = await readFile(path, 'utf8');
  const ofMeta = /(?<="type": "meta-custom-audiences"[^]*?)"adAccountId"/;
  await writeFile(path, file.replace(ofMeta, '"apiVersion": "v22.0", "adAccountId"'));
  const { output } = await destinations(['probe', '-a', path], { environment });
  expect(output).toContain('meta-custom-audiences: The version v22.0 of the API ended on 2026-02-19.');
});

/** A Key Vault that knows one secret. */
async function startVault(environment: Readonly<Record<string, string>> = {}) {
  const vault = await startVendorServer(({ url, headers }) => {
    if (headers.authorization !== 'Bearer vault-token') return { status: 401 };
    if (url === '/secrets/locked?api-version=7.4') return { status: 403 };
    if (url === '/secrets/broken?api-version=7.4') return { status: 200, body: '<html>' };
    return url === '/secrets/crm-key?api-version=7.4' ? { status: 200, body: '{"value":"hush"}' } : { status: 404 };
  });
  const http = createHttpClient({ allowPrivateAddresses: true });
  onTestFinished(async () => {
    await http.close();
    await vault.close();
  });
  const getToken = () => Promise.resolve({ token: 'vault-token', expiresOnTimestamp: Date.now() + 60_000 });
  const read = chooseSecrets({ vault: vault.origin }, http, capturedTerminal({ environment }), () =>
    Promise.resolve({ getToken }),
  );
  return { vault, read };
}

test('a secret comes from the environment, else from the Key Vault', async () => {
  const { vault, read } = await startVault({ ACTIVATION_SECRET_OWN_KEY: 'from the environment' });
  expect(await read('own-key')).toBe('from the environment');
  expect(vault.requests).toHaveLength(0);
  expect(await read('crm-key')).toBe('hush');
});

test.each([
  ['absent', 'it is not there. Set it with az keyvault secret set.'],
  ['locked', 'it may not be read. Give yourself the role Key Vault Secrets User'],
  ['broken', 'it answers 200. Try it again.'],
])('a secret that is %s is named with what to do', async (name, why) => {
  const { vault, read } = await startVault();
  await expect(read(name)).rejects.toThrow(`Failed to read the secret ${name} from ${vault.origin}: ${why}`);
});

test('a vault that is neither a name nor a URL is refused', async () => {
  const { path } = await standInFile();
  const { code, output } = await destinations(['probe', '-a', path, '--vault', 'not a vault']);
  expect(output).toContain('Failed to read --vault: it must be the name of a Key Vault');
  expect(code).toBe(1);
});
