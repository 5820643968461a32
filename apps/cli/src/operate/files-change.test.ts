import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  BlobDeadLetters,
  containerClient,
  queueClient,
  StorageRetryQueue,
  tableClient,
  TableLedger,
} from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { startMetaCustomAudiencesVendor } from '@activation-hub/destinations/testing';
import type { LedgerRecord } from '@activation-hub/membership';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const signal = new AbortController().signal;
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

const known: LedgerRecord['known'] = {
  status: 'realized',
  isMember: true,
  qualifiedAtMs: Date.UTC(2026, 0, 15, 12),
  enqueuedAtMs: Date.UTC(2026, 0, 15, 12),
  sequenceNumber: 1,
  content: '',
};
const member: LedgerRecord = { known, rowState: { is: 'delivered' }, attributes: {}, delivered: known, inDoubt: false };

/**
 * An environment in which the webhook `crm` was told of two people, and a command line beside it.
 */
async function openEnvironment() {
  const told: { change: string }[] = [];
  const answer = { status: 204 };
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      if (answer.status === 204) told.push(...(JSON.parse(body.toString()) as { data: { change: string }[] }).data);
      response.writeHead(answer.status).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const connection = { connectionString: azurite.connectionString };
  const table = tableClient(connection, 'ledger');
  const ledger = new TableLedger(table);
  await ledger.createTable(signal);
  const retries = containerClient(connection, 'retries');
  const queue = queueClient(connection, 'retries');
  await new StorageRetryQueue(retries, queue).createStores(signal);
  const letters = containerClient(connection, 'dead-letters');
  await new BlobDeadLetters(letters).createContainer(signal);
  onTestFinished(async () => {
    server.close();
    await Promise.all([table.deleteTable(), retries.delete(), queue.delete(), letters.delete()]);
  });
  await ledger.write(
    ['C-1', 'C-2'].map((value) => ({
      key: {
        destination: 'crm',
        identity: { namespace: 'crmid', value },
        audience: { namespace: 'ups', id: audienceId },
      },
      record: member,
      expected: undefined,
    })),
    signal,
  );
  const folder = await temporaryFolder();
  const run = async (file: string, ...words: readonly string[]) => {
    await writeFile(join(folder, 'own.yaml'), file.replaceAll('URL', url));
    const environment = {
      DATA_STORAGE_CONNECTION_STRING: azurite.connectionString,
      ACTIVATION_SECRET_META: 'token',
      ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
    };
    return runActivation([...words, '--activations', 'own.yaml'], { environment, folder });
  };
  return { run, told, answer };
}

const fileOf = (destinations: string, routes: string): string =>
  `version: 1\ndestinations:\n${destinations}audiences:\n  vip: { id: ${audienceId}, activate: [${routes}] }\n`;
const crm = '  crm: { type: webhook, settings: { url: "URL" } }\n';
const ads = '  ads: { type: webhook, settings: { url: "URL" } }\n';

test('plan says what is new and from where it can be filled, and who is left behind', async () => {
  const { run } = await openEnvironment();
  const two = fileOf(crm + ads, '{ destination: crm, identity: crmid }, { destination: ads, identity: crmid }');
  const prose = await run(two, 'plan');
  expect(prose).toMatchObject({ code: 0, errors: '' });
  expect(prose.output).toMatch(/vip → crm +live +2 members/);
  expect(prose.output).toMatch(
    /vip → ads +live +new +AEP does not send its members again; crm has 2 members: activation resync ads --audience vip --from crm/,
  );
  expect(prose.output).toContain('No member is left behind.');

  const renamed = await run(fileOf(ads, '{ destination: ads, identity: crmid }'), 'plan', '--markdown');
  expect(renamed.output).toContain('| crm, audience ups 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09 | 2 |');
  expect(renamed.output).toContain('If it is called ads now, write formerly: crm there.');

  const json = await run(fileOf(ads, '{ destination: ads, identity: crmid }'), 'plan', '--json');
  expect(JSON.parse(json.output)).toMatchObject({
    event: 'planned',
    leftBehind: [{ members: 2, because: 'no-destination' }],
  });
  expect(prose.output + renamed.output + json.output).not.toContain('C-1');
});

test('a name that the file says it had before leaves no member behind', async () => {
  const { run } = await openEnvironment();
  const file = fileOf(
    ads.replace('type: webhook', 'type: webhook, formerly: crm'),
    '{ destination: ads, identity: crmid }',
  );
  expect((await run(file, 'plan')).output).toMatch(/vip → ads +live +2 members/);
});

test(
  'retire counts first, takes every member out, and has nothing to do the second time',
  { timeout: 300_000 },
  async () => {
    const { run, told } = await openEnvironment();
    const live = await run(fileOf(crm, '{ destination: crm, identity: crmid }'), 'retire', 'crm');
    expect(live.code).toBe(2);
    expect(live.errors).toContain('none of its routes has mode: retired');
    const file = fileOf(crm, '{ destination: crm, identity: crmid, mode: retired }');
    expect((await run(file, 'retire', 'crm', '--dry-run')).output).toBe('Would take out 2 memberships of crm.\n');
    expect(told).toEqual([]);
    const retired = await run(file, 'retire', 'crm');
    expect(retired).toMatchObject({ code: 0 });
    expect(retired.output).toContain('Took out of crm 2 memberships');
    expect(told.map(({ change }) => change)).toEqual(['exited', 'exited']);
    expect((await run(file, 'retire', 'crm', '--dry-run')).output).toBe('No person is left in crm.\n');
    const again = await run(file, 'retire', 'crm', '--json');
    expect(JSON.parse(again.output)).toMatchObject({ event: 'retired', rows: 0, delivered: 0 });
  },
);

test('resync --from fills a new route with the members of another', async () => {
  const { run, told } = await openEnvironment();
  const file = fileOf(crm + ads, '{ destination: crm, identity: crmid }, { destination: ads, identity: crmid }');
  const alone = await run(file, 'resync', 'ads', '--from', 'crm');
  expect(alone).toMatchObject({ code: 2 });
  expect(alone.errors).toContain('--from needs --audience');
  const words = ['resync', 'ads', '--audience', 'vip', '--from', 'crm'];
  expect((await run(file, ...words, '--dry-run')).output).toContain('Would tell ads of 2 members of vip');
  expect((await run(file, ...words)).output).toContain('Told ads of 2 memberships');
  expect(told.map(({ change }) => change)).toEqual(['entered', 'entered']);
  expect((await run(file, ...words, '--dry-run')).output).toContain('Would tell ads of 0 members of vip');
});

test(
  'forget --tell takes the person out of the whole account, where the vendor has a call for that',
  { timeout: 300_000 },
  async () => {
    const { run } = await openEnvironment();
    const vendor = await startMetaCustomAudiencesVendor();
    onTestFinished(() => vendor.close());
    const fan = createHash('sha256').update('ada@example.com').digest('hex');
    const settings = `{ accessToken: { secret: meta }, adAccountId: '1', baseUrl: '${vendor.origin}' }`;
    const destination = `  meta: { type: meta-custom-audiences, settings: ${settings} }\n`;
    const route = '{ destination: meta, identity: email, options: { audience: Sports Fans } }';
    const file = fileOf(destination, route);
    const forgotten = await run(file, 'forget', 'email:Ada@example.com', '--tell');
    expect(forgotten).toMatchObject({ code: 0, errors: '' });
    expect(forgotten.output).toMatch(/told meta +0 exits, and out of the whole account/);
    const [request] = vendor.requests;
    expect(request?.url).toBe('/v27.0/act_1/usersofanyaudience');
    expect(new URLSearchParams(request?.body).get('payload')).toBe(
      JSON.stringify({ schema: ['EMAIL'], data: [[fan]] }),
    );
    vendor.answerWithError?.('190');
    const failed = await run(file, 'forget', 'email:Ada@example.com', '--tell');
    expect(failed.code).toBe(1);
    expect(failed.output).toMatch(/told meta +not taken, so its rows stay: .*Make a new access token/);
  },
);

test('forget --tell takes the person out, and erases nothing where that fails', async () => {
  const { run, told, answer } = await openEnvironment();
  const file = fileOf(crm, '{ destination: crm, identity: crmid }');
  answer.status = 503;
  const failed = await run(file, 'forget', 'crmid:C-1', '--tell', '--json');
  expect(failed.code).toBe(1);
  expect(failed.errors).toContain('Failed to take the person out of crm');
  expect(failed.errors + failed.output).not.toContain('C-1');
  answer.status = 204;
  const other = await run(file, 'forget', 'crmid:C-2', '--tell');
  expect(other).toMatchObject({ code: 0 });
  expect(other.output).toMatch(/told crm +1 exit$/m);
  expect(other.output).toMatch(/ledger, crm +1 row$/m);
  expect(told.map(({ change }) => change)).toEqual(['exited']);
});

test(
  'forget --tell takes the person out of every destination that can be told, and names the one whose secret is missing',
  { timeout: 300_000 },
  async () => {
    const { run, told } = await openEnvironment();
    const locked = '  ads: { type: webhook, settings: { url: "URL", signingSecret: { secret: ads-signing } } }\n';
    const routes = '{ destination: ads, identity: crmid }, { destination: crm, identity: crmid }';
    const forgotten = await run(fileOf(locked + crm, routes), 'forget', 'crmid:C-1', '--tell');
    expect(told.map(({ change }) => change)).toEqual(['exited']);
    expect(forgotten.code).toBe(1);
    expect(forgotten.output).toMatch(
      /told ads +not taken, so its rows stay: .*ACTIVATION_SECRET_ADS_SIGNING is not set/,
    );
    expect(forgotten.output).toMatch(/told crm +1 exit$/m);
    expect(forgotten.output).toMatch(/ledger, crm +1 row$/m);
    expect(forgotten.errors).toContain('Failed to take the person out of ads: their rows stay, for the reasons');
  },
);
