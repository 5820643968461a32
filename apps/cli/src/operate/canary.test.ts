import { isUnreadableRow } from '@activation-hub/membership';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { canary } from '@activation-hub/activation-file';
import { TableLedger, tableClient } from '@activation-hub/azure-adapters';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  runActivation,
  startActivation,
  type JsonEvent,
  type RunningActivation,
} from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { localEventHub } from '../traffic/local/local-event-hub.ts';

/** Starting everything takes seconds, and much longer on a busy machine. */
const timeout = 300_000;
/**
 * Everything on this machine, with the bundle that would be deployed; and a hub without a reader.
 */
let local: RunningActivation;
let unread: RunningActivation;
let hub: string;
let unreadHub: string;
let storage: string;
let healthUrl: string;

beforeAll(async () => {
  local = startActivation(['local', '--event-hubs-port', '0', '--storage-port', '0', '--no-simulator']);
  unread = startActivation(['event-hubs', '--port', '0']);
  const ready = await local.event('ready');
  hub = String(ready.eventHubsConnectionString);
  storage = String(ready.storageConnectionString);
  [healthUrl = ''] = ready.healthUrls as string[];
  unreadHub = String((await unread.event('ready')).connectionString);
}, timeout);
afterAll(() => Promise.all([local, unread].map((each) => each.end('SIGTERM'))));

const atLedger = () => ['--connection-string', hub, '--data-storage', storage];
const atHealthPage = () => ['--connection-string', hub, '--health', healthUrl];

async function run(words: readonly string[], environment: Readonly<Record<string, string>> = {}, folder?: string) {
  const options = { environment, ...(folder === undefined ? {} : { folder }) };
  const { code, output, errors } = await runActivation(['canary', ...words], options);
  const lines = words.includes('--json') && output !== '' ? [JSON.parse(output) as JsonEvent] : [];
  return { code, output, errors, lines };
}

/** The times of the rows that canaries have. */
async function rows(): Promise<readonly (number | undefined)[]> {
  const ledger = new TableLedger(tableClient({ connectionString: storage }, 'ledger'));
  const entries = await Array.fromAsync(ledger.rows({ destination: canary.key }, new AbortController().signal));
  return entries.map((row) => (isUnreadableRow(row) ? undefined : row.record.delivered?.qualifiedAtMs));
}

test('a canary is told, and the next one too, in the same row of the ledger', { timeout }, async () => {
  const first = await run([...atLedger(), '--json']);
  expect(first.errors).toBe('');
  expect(first.lines).toEqual([
    {
      event: 'canary-told',
      latencyMs: expect.any(Number) as number,
      sentAt: expect.any(String) as string,
      eventHubName: localEventHub.name,
    },
  ]);
  expect(await rows()).toEqual([Date.parse(String(first.lines[0]?.sentAt))]);

  const second = await run(atLedger());
  expect(second).toMatchObject({ code: 0, errors: '' });
  expect(second.output).toMatch(/^The canary was told \d+\.\d s after it was sent to profile-exports\.\n$/);

  const third = await run([...atHealthPage(), '--json']);
  expect(third).toMatchObject({ code: 0, errors: '' });
  const sentAt = String(third.lines[0]?.sentAt);
  expect(await rows()).toEqual([Date.parse(sentAt)]);
  const page = (await (await fetch(`${healthUrl}/details`)).json()) as {
    readonly canary: string;
    readonly destinations: string[];
  };
  expect(page.canary).toBe(sentAt);
  expect(page.destinations).not.toContain(canary.key);
});

test('a clock that is behind does not take the canary before for this one', { timeout }, async () => {
  const aheadMs = Date.now() + 3_600_000;
  const words = [...atLedger(), '--json'];
  const behind = join(await temporaryFolder(), 'behind.mjs');
  await writeFile(behind, `const now = Date.now; Date.now = () => now() + ${String(aheadMs - Date.now())};`);
  const ahead = await runActivation(['canary', ...words], { nodeOptions: ['--import', behind] });
  expect(ahead.code).toBe(0);
  const [before = 0] = await rows();
  const after = await run(words);
  expect(after).toMatchObject({ code: 0, errors: '' });
  expect(await rows()).toEqual([before + 1]);
});

/** An environment: `pulumi` that prints outputs, and an `infra` folder. */
async function environmentOf(outputs: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'infra'));
  await writeFile(join(folder, 'infra', 'Pulumi.yaml'), 'name: activation-hub\n');
  const pulumi = join(folder, 'pulumi');
  await writeFile(pulumi, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(outputs)}\nEND\necho "$@" > ${folder}/asked\n`);
  await chmod(pulumi, 0o755);
  return { folder, environment: { PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` } };
}

test('an environment is found by the outputs of its stack', { timeout }, async () => {
  const outputs = {
    eventHubsNamespace: 'evhns-acthub-dev',
    eventHubName: localEventHub.name,
    adobeKeyName: localEventHub.keyName,
    adobeKey: localEventHub.key,
    healthUrl,
  };
  const { folder, environment } = await environmentOf(outputs);
  const url = /Endpoint=(sb:\/\/[^/;]+)/.exec(hub)?.[1] ?? '';
  const told = await run(['--environment', 'dev', '--json'], { ...environment, AEP_EVENT_HUBS_URL: url }, folder);
  expect(told).toMatchObject({ code: 0, errors: '', lines: [{ event: 'canary-told' }] });

  const notDeployed = await environmentOf({ ...outputs, healthUrl: '' });
  const refused = await run(['--environment', 'dev'], notDeployed.environment, notDeployed.folder);
  expect(refused.errors).toMatch(/^Failed to find healthUrl in the outputs of the stack dev\. Deploy it first/);
  expect(refused.errors + refused.output).not.toContain(localEventHub.key);
  expect(refused.code).toBe(1);
});

test('a hub that no app reads: the time is up, with words about where to look', { timeout }, async () => {
  const words = ['--connection-string', `${unreadHub};EntityPath=profile-exports`, '--timeout', '2', '--json'];
  const atStorage = await run([...words, '--data-storage', storage]);
  expect(JSON.parse(atStorage.errors)).toMatchObject({
    event: 'failed',
    exitCode: 1,
    timeoutSeconds: 2,
    message: expect.stringMatching(
      /^Failed to see the canary arrive within 2 s: the event hub profile-exports took it, and the ledger does not say .* Look whether the handler runs/,
    ) as string,
  });
  expect(atStorage.code).toBe(1);
  const atPage = await run([...words, '--health', healthUrl]);
  expect(atPage.errors).toContain("Look at the function app's log for on-audience-events");
  expect(atPage.code).toBe(1);
});

test('a hub that is not there, and one that refuses the key', { timeout }, async () => {
  const nobody = await run(['-c', hub.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:9'), '--data-storage', storage]);
  expect(nobody.errors).toMatch(
    /^Failed to send to the event hub profile-exports: .*ECONNREFUSED.* Check that it runs/,
  );
  expect(nobody.code).toBe(1);
  const key = Buffer.from('another key, of another hub, no?').toString('base64');
  const refused = await run(['-c', hub.replace(localEventHub.key, key), '--data-storage', storage]);
  expect(refused.errors).toMatch(/^Failed to send to the event hub profile-exports: .* Check that it runs/);
  expect(refused.errors).not.toContain(key);
  expect(refused.code).toBe(1);
});

async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
}

test.each([
  [
    'is not well',
    503,
    JSON.stringify({ status: 'unavailable', reason: 'Failed to create the ledger.' }),
    /the app is not well\. Failed to create the ledger\./,
  ],
  ['is another app', 200, '{"hello":"world"}', /it answers otherwise than Activation Hub does\. Check the address\./],
  ['is a web page', 200, '<html></html>', /it does not answer in JSON\. Check the address/],
])('a health page that %s is said before anything is sent', { timeout }, async (_what, status, body, words) => {
  const { code, errors } = await run(['-c', hub, '--health', await answering(status, body)]);
  expect(errors).toMatch(/^Failed to ask the health page at 127\.0\.0\.1:\d+: /);
  expect(errors).toMatch(words);
  expect(code).toBe(1);
});

test.each([
  [
    'nobody at the health page',
    ['--health', 'http://127.0.0.1:2/health'],
    1,
    /ECONNREFUSED 127\.0\.0\.1:2\. Check the address/,
  ],
  [
    'nobody at the storage',
    ['--data-storage', 'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.2'],
    1,
    /^Failed to read the ledger: the table store/,
  ],
  ['a health page that is no URL', ['--health', 'health'], 2, /^Failed to read --health: it must be a URL/],
  ['a storage that cannot be read', ['--data-storage', 'x'], 2, /connection string/],
  ['two ways at once', ['--environment', 'dev', '--health', 'http://x/health'], 2, /cannot be used with option/],
  ['no time', ['--timeout', '0'], 2, /It must be a whole number from 1 to 3600/],
])('%s is said with its exit code', { timeout }, async (_what, words, exitCode, sentence) => {
  const { code, errors } = await run(words);
  expect(errors).toMatch(sentence);
  expect(code).toBe(exitCode);
});

test('without pulumi, and without a stack, the other way is named', { timeout }, async () => {
  const { folder } = await environmentOf({});
  const none = await run(['--environment', 'dev'], { PATH: '/nowhere' }, folder);
  expect(none.errors).toMatch(/there is no pulumi command\. .* or give --connection-string and --health instead/);
  expect(none.code).toBe(1);
  const elsewhere = await run(['--environment', 'dev'], {}, await temporaryFolder());
  expect(elsewhere.errors).toMatch(/^Failed to find the stack: .* or give --connection-string and --health\./);
  expect(elsewhere.code).toBe(2);
});
