import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildProfileExport } from '@activation-hub/audience-events/testing';
import { containerClient, tableClient } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { runActivation, startActivation, type RunningActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const noonMs = Date.UTC(2026, 0, 31, 12);
let minutes = 0;

interface Told {
  readonly id: string;
  readonly change: string;
  readonly identity: { readonly value: string };
}

/** A third party that keeps a list of members, and its url. */
async function startThirdParty() {
  const members = new Set<string>();
  let told = 0;
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { data } = JSON.parse(body.toString()) as { readonly data: readonly Told[] };
      for (const { change, identity } of data) {
        told += 1;
        if (change === 'exited') members.delete(identity.value);
        else members.add(identity.value);
      }
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, members: () => [...members].toSorted(), forget: () => members.clear(), told: () => told };
}

function startLocal(folder: string): RunningActivation {
  const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
  const local = startActivation(
    ['local', ...ports, '--activations', 'own.yaml', '--no-simulator', '--data', 'kept', '--partitions', '1'],
    { folder },
  );
  onTestFinished(() => void local.end('SIGKILL'));
  return local;
}

/** Sends what AEP would send, each later than the one before. */
async function send(local: RunningActivation, changes: readonly (readonly [string, 'realized' | 'exited'])[]) {
  const { eventHubsConnectionString, eventHubName } = await local.event('ready');
  const producer = new EventHubProducerClient(String(eventHubsConnectionString), String(eventHubName));
  for (const [person, status] of changes) {
    minutes += 1;
    const memberships = [{ audienceId: vipId, status, qualifiedAtMs: noonMs + minutes * 60_000 }];
    await producer.sendBatch([{ body: buildProfileExport({ memberships, identities: { crmid: [person] } }) }]);
  }
  await producer.close();
}

/** Ends it when what was sent is settled, as Ctrl-C does. */
async function settle(local: RunningActivation): Promise<void> {
  expect(await local.end('SIGTERM')).toBe(0);
}

/** Resolves when so many events were settled. */
async function settled(local: RunningActivation, events: number): Promise<void> {
  const count = () =>
    local.events.reduce((sum, each) => sum + (each.event === 'batch-settled' ? Number(each.events) : 0), 0);
  while (count() < events) await local.next();
}

const storageOf = async (local: RunningActivation): Promise<readonly string[]> => [
  '--connection-string',
  String((await local.event('ready')).storageConnectionString),
];

test(
  'the ledger is lost: import, the hub again, resync, and the destination is right',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    const vendor = await startThirdParty();
    await writeFile(
      join(folder, 'own.yaml'),
      `version: 1
destinations:
  crm: { type: webhook, settings: { url: "${vendor.url}" } }
audiences:
  vip: { id: ${vipId}, activate: [{ destination: crm, identity: crmid }] }
`,
    );

    // The night's export.
    const before = startLocal(folder);
    await send(before, [
      ['leaves-after', 'realized'],
      ['leaves-during', 'realized'],
      ['stays', 'realized'],
    ]);
    await settle(before);
    const night = startLocal(folder);
    const words = ['ledger', 'export', 'night.jsonl', '--json'];
    const exported = await runActivation([...words, ...(await storageOf(night))], { folder });
    expect(exported.errors).toBe('');
    expect(JSON.parse(exported.output)).toMatchObject({ event: 'exported', rows: 3 });
    // Windows has no rights in a mode.
    const rights = process.platform === 'win32' ? 0o666 : 0o600;
    expect((await stat(join(folder, 'night.jsonl'))).mode & 0o777).toBe(rights);

    // The day after it, and then the rows of the ledger are gone. The app goes on over the empty
    // table, and is wrong about who leaves.
    await send(night, [
      ['came-after', 'realized'],
      ['leaves-after', 'exited'],
    ]);
    await settle(night);
    expect(vendor.members()).toEqual(['came-after', 'leaves-during', 'stays']);
    const loseLedger = async () => {
      const azurite = await startAzurite({ dataFolder: join(folder, 'kept', 'storage') });
      await tableClient(azurite, 'ledger').deleteTable();
      await tableClient(azurite, 'ledger').createTable();
      return azurite;
    };
    await (await loseLedger()).stop();
    const empty = startLocal(folder);
    await send(empty, [['leaves-during', 'exited']]);
    await settle(empty);
    expect(vendor.members()).toEqual(['came-after', 'leaves-during', 'stays']);

    // The worst day: the app is stopped, the ledger emptied, the night's export imported, the
    // checkpoints taken away.
    const azurite = await loseLedger();
    const storage = ['--connection-string', azurite.connectionString];
    const imported = await runActivation(['ledger', 'import', 'night.jsonl', ...storage], { folder });
    expect({ ...imported, errors: '' }).toEqual({
      code: 0,
      output: 'Imported 3 of 3 rows; 0 were there already.\n',
      errors: '',
    });
    const again = await runActivation(['ledger', 'import', 'night.jsonl', ...storage], { folder });
    expect(again).toMatchObject({ code: 1, output: '' });
    expect(again.errors).toContain('Failed to import the ledger: it has rows.');
    await containerClient(azurite, 'azure-webjobs-eventhub').delete();
    await azurite.stop();
    const restored = startLocal(folder);
    await settled(restored, 6);
    await settle(restored);
    expect(vendor.members()).toEqual(['came-after', 'stays']);

    // The vendor lost its list too: every member is sent again.
    vendor.forget();
    const after = startLocal(folder);
    const resync = ['resync', 'crm', '--activations', 'own.yaml', ...(await storageOf(after))];
    const resynced = await runActivation(resync, { folder });
    expect(resynced).toMatchObject({
      code: 0,
      output: 'Told crm of 2 memberships; 0 were left to other processes, 0 failed.\n',
    });
    expect(vendor.members()).toEqual(['came-after', 'stays']);
    await settle(after);
  },
);

test('a file that cannot be written or read is said, and no half export is left', async () => {
  const folder = await temporaryFolder();
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const storage = ['--connection-string', azurite.connectionString];
  const noTable = await runActivation(['ledger', 'export', 'a.jsonl', ...storage], { folder });
  expect(noTable).toMatchObject({ code: 1, output: '' });
  expect(noTable.errors).toContain('Failed to export the ledger: the table store');
  await expect(readFile(join(folder, 'a.jsonl'))).rejects.toThrow('ENOENT');
  await expect(readFile(join(folder, 'a.jsonl.unfinished'))).rejects.toThrow('ENOENT');

  await tableClient(azurite, 'ledger').createTable();
  const nowhere = await runActivation(['ledger', 'export', join('nowhere', 'a.jsonl'), ...storage], { folder });
  expect(nowhere).toMatchObject({ code: 2, output: '' });
  expect(nowhere.errors).toContain('Failed to write nowhere/a.jsonl: its folder does not exist.');
  const absent = await runActivation(['ledger', 'import', 'absent.jsonl', ...storage], { folder });
  expect(absent).toMatchObject({ code: 2, output: '' });
  expect(absent.errors).toContain('Failed to read absent.jsonl: there is no such file.');
  expect((await runActivation(['ledger', 'export', 'a.jsonl', ...storage], { folder })).output).toBe(
    'Exported 0 rows to a.jsonl.\n',
  );
});

test('a file that was cut at the end of a line is refused before a row is written; a whole one is imported, and opens a closed ledger', async () => {
  const folder = await temporaryFolder();
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const storage = ['--connection-string', azurite.connectionString];
  const table = tableClient(azurite, 'ledger');
  await table.createTable();
  for (const rowKey of ['1', '2'])
    await table.createEntity({ partitionKey: 'crm.0', rowKey, attributes: 'one\u2028text\u2029of three lines' });
  await runActivation(['ledger', 'export', 'whole.jsonl', ...storage], { folder });
  const lines = (await readFile(join(folder, 'whole.jsonl'), 'utf8')).split('\n');
  await writeFile(join(folder, 'cut.jsonl'), `${lines.slice(0, 2).join('\n')}\n`);
  const former = lines
    .slice(0, -2)
    .map((line, index) => (index === 0 ? line.replace('"format":3', '"format":2') : line));
  await writeFile(join(folder, 'former.jsonl'), `${former.join('\n')}\n`);
  await table.deleteEntity('crm.0', '1');
  await table.deleteEntity('crm.0', '2');

  const cut = await runActivation(['ledger', 'import', 'cut.jsonl', ...storage], { folder });
  expect(cut).toMatchObject({ code: 1, output: '' });
  expect(cut.errors).toContain('the file ends after 1 row without the last line of an export; it was cut off');
  const folderInstead = await runActivation(['ledger', 'import', '.', ...storage], { folder });
  expect(folderInstead).toMatchObject({ code: 2, output: '' });
  expect(folderInstead.errors).toContain('Failed to read .: it is a folder.');
  expect(await Array.fromAsync(table.listEntities())).toEqual([]);

  // As a close leaves it that was broken off in its minute.
  const layout = tableClient(azurite, 'ledgerlayout');
  await layout.createTable();
  const closedAt = new Date(Date.now() - 60_000).toISOString();
  const first = { partitionKey: 'layout', rowKey: 'ledger', account: 0, accounts: 1, ledgerId: 'first', closedAt };
  await layout.createEntity(first);
  const closed = await runActivation(['ledger', 'export', 'closed.jsonl', '--close', ...storage], { folder });
  expect(closed.output).toBe(
    'Closing the ledger: within a minute no process writes it any more.\nExported 0 rows to closed.jsonl.\n',
  );
  const shown = ['ledger', 'show', 'crmid:C-1', '--activations', 'own.yaml', ...storage];
  await writeFile(
    join(folder, 'own.yaml'),
    'version: 1\ndestinations: { screen: { type: log } }\naudiences: { a: { id: a, activate: [{ destination: screen, identity: crmid }] } }\n',
  );
  expect((await runActivation(shown, { folder })).errors).toContain('it was closed, because it is moved');

  const whole = await runActivation(['ledger', 'import', 'whole.jsonl', ...storage], { folder });
  expect(whole).toMatchObject({ code: 0, output: 'Imported 2 of 2 rows; 0 were there already.\n' });
  expect((await table.getEntity('crm.0', '2')).attributes).toBe('one\u2028text\u2029of three lines');
  expect((await runActivation(shown, { folder })).errors).not.toContain('it was closed');
  const again = await runActivation(['ledger', 'import', 'former.jsonl', '--resume', ...storage], { folder });
  expect(again.output).toBe(
    'Imported 0 of 2 rows; 2 were there already.\nRelease 0.1.0 wrote the file: its exports have no last line, so a file that was cut at the end of a line looks whole. Compare its size with that of the blob.\n',
  );
});
