import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BlobDeadLetters,
  containerClient,
  queueClient,
  StorageRetryQueue,
  tableClient,
  TableLedger,
} from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { linkKey, linkRecord, type Identity, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const { signal } = new AbortController();
const sha256 = (text: string) => hash('sha256', text);
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
const left: LedgerRecord = { ...member, delivered: { ...known, isMember: false } };
const crmid = (value: string): Identity => ({ namespace: 'crmid', value });
const email = (value: string): Identity => ({ namespace: 'email', value });
const keyOf = (destination: string, identity: Identity): LedgerKey => ({
  destination,
  identity,
  audience: { namespace: 'ups', id: audienceId },
});

/** The stores of an environment, with these rows, and a command line beside them. */
async function openEnvironment(rows: readonly (readonly [LedgerKey, LedgerRecord])[]) {
  const connection = { connectionString: azurite.connectionString };
  const table = tableClient(connection, 'ledger');
  const ledger = new TableLedger(table);
  await ledger.createTable(signal);
  const retries = containerClient(connection, 'retries');
  const queue = queueClient(connection, 'retries');
  const retryQueue = new StorageRetryQueue(retries, queue);
  await retryQueue.createStores(signal);
  const letters = containerClient(connection, 'dead-letters');
  await new BlobDeadLetters(letters).createContainer(signal);
  onTestFinished(async () => {
    await Promise.all([table.deleteTable(), retries.delete(), queue.delete(), letters.delete()]);
  });
  await ledger.write(
    rows.map(([key, record]) => ({ key, record, expected: undefined })),
    signal,
  );
  const folder = await temporaryFolder();
  const run = async (destinations: string, routed: string, ...words: readonly string[]) => {
    const file = `version: 1\ndestinations: { ${destinations} }\naudiences:\n  vip: { id: ${audienceId}, activate: [${routed}] }\n`;
    await writeFile(join(folder, 'own.yaml'), file);
    return runActivation([...words, '--activations', 'own.yaml'], {
      environment: { DATA_STORAGE_CONNECTION_STRING: azurite.connectionString },
      folder,
    });
  };
  const kept = async () =>
    (await Array.fromAsync(readable(ledger).rows({}, signal))).map(
      ({ key }) => `${key.destination} ${key.identity.value}`,
    );
  return { run, kept, retryQueue, table };
}

const ads = ['ads: { type: log }', '{ destination: ads, identity: crmid }'] as const;

test('forget erases the rows of a destination that the file has no more, and says what is left to do', async () => {
  const { run, kept, retryQueue } = await openEnvironment([
    [keyOf('crm', crmid('C-1')), member],
    [keyOf('crm~shadow', crmid('C-1')), member],
    [
      linkKey(keyOf('crm', crmid('C-1')), { namespace: 'ecid', value: 'E-1' }),
      linkRecord(known, { identities: [crmid('C-1')], leaving: [] }, ''),
    ],
    [keyOf('crm', crmid('C-2')), member],
    [keyOf('gone~shadow', crmid('C-2')), member],
  ]);
  const retry = { attempts: 1, firstDeferredAtMs: 0, class: 'transient', reason: 'It is down.', isReplay: false };
  const rows = ['crm', 'long-gone'].flatMap((name) => [keyOf(name, crmid('C-1')), keyOf(name, crmid('C-2'))]);
  await retryQueue.put({ ...retry, id: 'one', destination: 'crm', events: [], rows }, 0, signal);

  const dry = await run(...ads, 'forget', 'crmid:C-1', '--dry-run');
  expect(dry).toMatchObject({ code: 0, errors: '' });
  expect(dry.output).toMatch(/ledger, crm +3 rows$/m);
  expect(dry.output).toMatch(/ledger, gone +0 rows$/m);
  expect(dry.output).toMatch(/^ +crm +It may still have the person, .*formerly: crm/m);
  expect(dry.output).not.toMatch(/^ +gone/m);

  const forgotten = await run(...ads, 'forget', 'crmid:C-1', '--json');
  expect(JSON.parse(forgotten.output)).toMatchObject({
    event: 'forgotten',
    retries: { searched: 1, erased: 2 },
    rows: { ads: 0, crm: 3, gone: 0 },
    notInFile: ['crm'],
  });
  expect((await kept()).toSorted()).toEqual(['crm C-2', 'gone~shadow C-2']);
  const waiting = await Array.fromAsync(retryQueue.waiting(signal));
  expect(waiting).toMatchObject([{ rows: [rows[1], rows[3]] }]);
  const again = await run(...ads, 'forget', 'crmid:C-1');
  expect(again).toMatchObject({ code: 0 });
  expect(again.output).toContain('Nothing of this person is kept.');
});

test('forget --tell keeps the rows of a destination that the file has no more while it may know the person', async () => {
  const { run, kept } = await openEnvironment([
    [keyOf('crm', crmid('C-1')), member],
    [keyOf('old', crmid('C-1')), left],
  ]);
  const told = await run(...ads, 'forget', 'crmid:C-1', '--tell');
  expect(told.code).toBe(1);
  expect(told.output).toMatch(/told crm +not taken, so its rows stay$/m);
  expect(told.output).toMatch(/^ +crm +.*the activation file has no crm\. If it/m);
  expect(told.output).not.toMatch(/^ +old/m);
  expect(told.output).toMatch(/ledger, old +1 row$/m);
  expect(told.errors).toContain('Failed to take the person out of crm');
  expect(told.errors).not.toContain('C-1');
  expect(await kept()).toEqual(['crm C-1']);
  expect((await run(...ads, 'forget', 'crmid:C-1', '--tell')).output).toMatch(/^Nothing was erased\.$/m);
  const erased = await run(...ads, 'forget', 'crmid:C-1');
  expect(erased).toMatchObject({ code: 0 });
  expect(erased.output).toMatch(
    /^ +crm +.*the activation file has no crm\. Erase the person in that system yourself\.$/m,
  );
  expect(await kept()).toEqual([]);
});

test('forget --tell keeps the rows of a destination of which a row of the person cannot be read, and names it', async () => {
  const key = keyOf('ads', crmid('C-1'));
  const { run, kept, table } = await openEnvironment([
    [key, member],
    [keyOf('ads', crmid('C-2')), member],
  ]);
  const [row] = await Array.fromAsync(table.listEntities({ queryOptions: { filter: "identityValue eq 'C-1'" } }));
  const { partitionKey = '', rowKey = '' } = row ?? {};
  const merge = async (rowState: string) => await table.updateEntity({ partitionKey, rowKey, rowState }, 'Merge');
  await merge('of-tomorrow');
  const told = await run(...ads, 'forget', 'crmid:C-1', '--tell');
  expect(told.code).toBe(1);
  expect(told.output).toMatch(/told ads +not taken, so its rows stay: 1 row of the ledger cannot be read/);
  expect(told.output).toContain(`column rowState of row ${partitionKey}/${rowKey}`);
  expect(told.output + told.errors).not.toContain('C-1');
  const erased = await run(...ads, 'forget', 'crmid:C-1');
  expect(erased.code).toBe(1);
  expect(erased.errors).toContain(`column rowState of row ${partitionKey}/${rowKey}`);
  await merge('delivered');
  expect(await run(...ads, 'forget', 'crmid:C-1', '--tell')).toMatchObject({ code: 0 });
  expect(await kept()).toEqual(['ads C-2']);
});

const hubOf = (identities: string) =>
  `hub: { type: event-hubs, settings: { eventHub: h, connectionString: { secret: hub }, identities: ${identities} } }`;

test('a person is found in the form of earlier settings, hashed or plain, and of a kind that the file has no more', async () => {
  const { run, kept } = await openEnvironment([
    [keyOf('hub', email(sha256('ada@example.com'))), member],
    [keyOf('hub', email('bob@example.com')), member],
    [keyOf('hub', crmid(sha256('C-1'))), member],
    [keyOf('google', email(sha256('adalovelace@gmail.com'))), member],
    [keyOf('google', email(sha256('bob@example.com'))), member],
  ]);
  const route = '{ destination: hub, identity: email }';
  const show = await run(hubOf('plain'), route, 'ledger', 'show', 'email:Ada@Example.com', '--destination', 'hub');
  expect(show.output).toMatch(/^hub +vip +member since/m);
  const plain = await run(hubOf('plain'), route, 'forget', 'email:Ada@Example.com', 'crmid:C-1');
  expect(plain.output).toMatch(/ledger, hub +2 rows$/m);
  const hashed = await run(hubOf('hashed'), route, 'forget', 'email: Bob@Example.com');
  expect(hashed.output).toMatch(/ledger, hub +1 row$/m);
  expect(hashed.output).toMatch(/ledger, google +1 row$/m);
  await run(hubOf('plain'), route, 'forget', 'email:Ada.Lovelace@gmail.com');
  expect(await kept()).toEqual([]);
});

test('ledger show and explain find a person in lower case and hashed, also where the file has the destination no more', async () => {
  const { run } = await openEnvironment([
    [keyOf('ads', email('ada@example.com')), member],
    [keyOf('meta', email(sha256('ada@example.com'))), member],
    [keyOf('meta', email(sha256('bob@example.com'))), member],
  ]);
  const shown = await run(...ads, 'ledger', 'show', 'email:ADA@example.com');
  expect(shown.output).toMatch(/^ads +vip +member since/m);
  expect(shown.output.match(/^meta +vip +member since/gm)).toHaveLength(1);
  const only = await run(...ads, 'ledger', 'show', 'email:ADA@example.com', '--destination', 'ads');
  expect(only.output).not.toContain('meta');
  const story = await run(...ads, 'explain', 'email:ADA@example.com');
  expect(story).toMatchObject({ code: 0 });
  expect(story.output).toMatch(/^ {2}ads +vip +email ada@example\.com +told/m);
  expect(story.output).toMatch(/^ {2}meta +vip +\(gone\) +email [0-9a-f]{64} +told/m);
  expect(story.output).not.toContain(sha256('bob@example.com'));
});
