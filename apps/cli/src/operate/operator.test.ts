import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import {
  BlobDeadLetters,
  containerClient,
  queueClient,
  StorageRetryQueue,
  tableClient,
  TableLedger,
} from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import {
  deadLetterName,
  isUnreadable,
  type DeadLetter,
  type ReceivedEvent,
  type Retry,
} from '@activation-hub/delivery';
import { shadowDestination, type LedgerRecord } from '@activation-hub/membership';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const signal = new AbortController().signal;
/** Letters of older events are not replayed any more. */
const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
const oldMs = Date.now() - 91 * 86_400_000;
const noonMs = Date.parse(`${day}T12:00:00.000Z`);
let azurite: Azurite;
let folder: string;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

/** The stores of a function app, empty. */
async function openStores() {
  const connection = { connectionString: azurite.connectionString };
  const letters = containerClient(connection, 'dead-letters');
  const retries = containerClient(connection, 'retries');
  const queue = queueClient(connection, 'retries');
  const table = tableClient(connection, 'ledger');
  const stores = {
    deadLetters: new BlobDeadLetters(letters),
    retryQueue: new StorageRetryQueue(retries, queue),
    ledger: new TableLedger(table),
  };
  await stores.deadLetters.createContainer(signal);
  await stores.retryQueue.createStores(signal);
  await stores.ledger.createTable(signal);
  onTestFinished(async () => {
    await Promise.all([letters.delete(), retries.delete(), queue.delete(), table.deleteTable()]);
  });
  return { ...stores, queue, letters, retries };
}

async function waitingIn(retryQueue: StorageRetryQueue): Promise<Retry[]> {
  const found = await Array.fromAsync(retryQueue.waiting(signal));
  return found.flatMap((retry) => (isUnreadable(retry) ? [] : [retry]));
}

async function run(...words: readonly string[]) {
  const environment = { DATA_STORAGE_CONNECTION_STRING: azurite.connectionString };
  const { code, output, errors } = await runActivation(words, { environment, folder });
  return { code, output, errors, lines: words.includes('--json') ? jsonLines(output) : [] };
}

function jsonLines(output: string): Record<string, unknown>[] {
  const lines = output.trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function writeActivations(url = 'http://127.0.0.1:9/'): Promise<void> {
  folder = await temporaryFolder();
  await writeFile(
    join(folder, 'own.yaml'),
    `version: 1
destinations:
  crm: { type: webhook, settings: { url: "${url}" } }
audiences:
  vip: { id: ${audienceId}, activate: [{ destination: crm, identity: crmid }] }
`,
  );
}

function eventOf(sequenceNumber: number, ...people: readonly string[]): ReceivedEvent {
  const exports = people.map((person) =>
    buildProfileExport({ memberships: [{ audienceId, qualifiedAtMs: noonMs }], identities: { crmid: [person] } }),
  );
  return { body: encodeProfileExport(exports), partitionId: '0', sequenceNumber, enqueuedAtMs: noonMs };
}

function letterOf(event: ReceivedEvent, over: Partial<DeadLetter> = {}): DeadLetter {
  const failures = [{ audience: 'vip', reason: 'the list is full', rows: [keyOf(`C-${event.sequenceNumber}`)] }];
  const common = { event, class: 'invalid', failures, attempts: 1, givenUpAtMs: noonMs };
  return { ...common, outcome: 'rejected', destination: 'crm', ...over };
}

function unreadable(event: ReceivedEvent): DeadLetter {
  const failures = [{ path: '$', reason: 'The body is not JSON.' }];
  return { event, outcome: 'unreadable', class: 'invalid-json', failures, attempts: 0, givenUpAtMs: noonMs };
}

const keyOf = (person: string, destination = 'crm') => ({
  destination,
  identity: { namespace: 'crmid', value: person },
  audience: { namespace: 'ups', id: audienceId },
});

const member: LedgerRecord['known'] = {
  status: 'realized',
  isMember: true,
  qualifiedAtMs: noonMs,
  enqueuedAtMs: noonMs,
  sequenceNumber: 1,
  content: '',
};
const deliveredRecord: LedgerRecord = {
  known: member,
  rowState: { is: 'delivered' },
  attributes: { firstName: 'Ada' },
  delivered: member,
  inDoubt: false,
};

test('dead letters are listed, shown, replayed into the retry queue and purged', async () => {
  await writeActivations();
  const { deadLetters, retryQueue, queue } = await openStores();
  const broken = unreadable({ ...eventOf(9), body: Buffer.from('{"broken') });
  const fatal = letterOf(eventOf(3, 'C-3'), { class: 'fatal' });
  await deadLetters.put([letterOf(eventOf(1, 'C-1')), letterOf(eventOf(2, 'C-2')), fatal, broken], signal);

  const list = await run('dead-letters', 'list', '--json', '--destination', 'crm', '--from', day, '--to', day);
  expect(list.errors).toBe('');
  expect(list.lines.map(({ event, name }) => name ?? event)).toEqual([
    ...[fatal, letterOf(eventOf(1, 'C-1')), letterOf(eventOf(2, 'C-2'))].map(deadLetterName),
    'listed',
  ]);
  expect(list.output).not.toContain('C-1');
  expect((await run('dead-letters', 'list', '--to', '2026-01-30')).output).toBe('Listed no dead letters.\n');

  const show = await run('dead-letters', 'show', deadLetterName(fatal));
  expect(show.output).toContain('vip: the list is full');
  expect(show.output).toContain('"C-3"');
  expect((await run('dead-letters', 'show', '2026-01-31/crm/none/0-1')).code).toBe(1);

  const dry = await run('dead-letters', 'replay', '--dry-run', '--json', '--reason', 'LIST');
  expect(dry.lines).toMatchObject([{ event: 'would-replay', letters: 3 }]);
  expect(await waitingIn(retryQueue)).toEqual([]);

  const replay = await run('dead-letters', 'replay', '--class', 'invalid', '--json');
  expect(replay.lines).toEqual([
    {
      event: 'replayed',
      letters: 2,
      left: 0,
      tooOld: 0,
      unreadable: [],
      counts: [{ destination: 'crm', class: 'invalid', letters: 2 }],
    },
  ]);
  const [retry, ...others] = await waitingIn(retryQueue);
  expect(others).toEqual([]);
  expect(retry).toMatchObject({ destination: 'crm', isReplay: true, attempts: 0 });
  expect(retry?.events.map(({ event, audiences }) => [event.sequenceNumber, audiences])).toEqual([
    [1, ['vip']],
    [2, ['vip']],
  ]);
  const { receivedMessageItems } = await queue.receiveMessages();
  expect(receivedMessageItems).toHaveLength(1);
  const message = Buffer.from(receivedMessageItems[0]?.messageText ?? '', 'base64').toString();
  expect((await retryQueue.read(message, signal))?.id).toBe(retry?.id);

  const left = await run('dead-letters', 'replay', '--destination', '_event');
  expect(left.code).toBe(2);
  expect(left.errors).toContain('Give --activations <file>');
  expect((await run('dead-letters', 'replay', '--destination', '_event', '-a', 'own.yaml')).code).toBe(0);
  const toEverybody = (await waitingIn(retryQueue)).find(({ id }) => id !== retry?.id);
  expect(toEverybody).toMatchObject({ destination: 'crm', events: [{ audiences: ['vip'] }] });

  const wouldPurge = await run('dead-letters', 'purge', '--dry-run');
  const [, upTo = ''] = /^To delete these, and none that comes later: (.+)$/m.exec(wouldPurge.output) ?? [];
  expect(wouldPurge.output).toMatch(/^Would purge 1 dead letter\.\n.*\n +crm +fatal +1\nTo delete these/);
  const later = { ...letterOf(eventOf(4, 'C-4'), { class: 'fatal' }), givenUpAtMs: fatal.givenUpAtMs + 1 };
  await deadLetters.put([later], signal);
  expect((await run('dead-letters', 'purge', ...upTo.split(' '))).output).toContain('Purged 1 dead letter.');
  const stays = await run('dead-letters', 'purge', '--dry-run', '--json');
  expect(stays.lines).toMatchObject([{ letters: 1, givenUpTo: new Date(later.givenUpAtMs).toISOString() }]);
  expect((await run('dead-letters', 'purge', '--yes')).output).toContain('Purged 1 dead letter.');
  expect((await run('dead-letters', 'list')).output).toBe('Listed no dead letters.\n');
});

test('ledger show and forget know all that is kept of a person', async () => {
  await writeActivations();
  const { ledger, deadLetters, retryQueue } = await openStores();
  const keys = [keyOf('C-1'), keyOf('C-1', shadowDestination('crm')), keyOf('C-2')];
  await ledger.write(
    keys.map((key) => ({ key, record: deliveredRecord, expected: undefined })),
    signal,
  );
  const retry: Retry = {
    id: 'one',
    destination: 'crm',
    events: [
      { event: eventOf(1, 'C-1'), audiences: ['vip'], rows: [] },
      { event: eventOf(2, 'C-2'), audiences: ['vip'], rows: [] },
    ],
    attempts: 2,
    firstDeferredAtMs: noonMs,
    class: 'transient',
    reason: 'it is down',
    rows: [],
    isReplay: false,
  };
  await retryQueue.put(retry, noonMs, signal);
  await deadLetters.put([letterOf(eventOf(3, 'C-1')), letterOf(eventOf(4, 'C-1', 'C-2'))], signal);

  const show = await run('ledger', 'show', 'CRMID:C-1', '-a', 'own.yaml');
  expect(show.output).toMatch(
    new RegExp(`^crm +vip +member since ${day}T12:00:00.000Z +delivered +member since ${day}`, 'm'),
  );
  expect(show.output).toMatch(/^crm~shadow +vip/m);
  const json = await run('ledger', 'show', 'crmid:C-1', '-a', 'own.yaml', '--destination', 'crm', '--json');
  expect(json.lines).toMatchObject([{ rows: [{ audience: 'vip', attributes: { firstName: 'Ada' } }, {}] }]);

  const expected = {
    retries: { searched: 1, erased: 1 },
    deadLetters: { searched: 2, erased: 2 },
    rows: { crm: 2 },
    linkedIdentities: [],
    notInFile: [],
    told: [],
    unreadable: [],
    unreadableRows: { rows: 0, names: [] },
  };
  const words = ['forget', 'crmid:C-1', '-a', 'own.yaml', '--json'];
  expect((await run(...words, '--dry-run')).lines).toEqual([{ event: 'would-forget', ...expected }]);
  expect((await run(...words)).lines).toEqual([{ event: 'forgotten', ...expected }]);
  expect((await run(...words)).lines).toMatchObject([
    { event: 'forgotten', retries: { erased: 0 }, deadLetters: { erased: 0 }, rows: { crm: 0 } },
  ]);
  expect((await run('forget', 'crmid:C-1', 'email:a@example.com', '-a', 'own.yaml')).output).toContain(
    'Nothing of this person is kept.',
  );

  const [kept] = await waitingIn(retryQueue);
  expect(kept?.events.map(({ event }) => event.sequenceNumber)).toEqual([2]);
  const letter = await deadLetters.read(deadLetterName(letterOf(eventOf(4, 'C-1', 'C-2'))), signal);
  expect(Buffer.from(letter?.event.body ?? []).toString()).toMatch(/^\[.*"C-2".*\]$/);
  expect((await ledger.read(keys, signal)).map((row) => row !== undefined)).toEqual([false, false, true]);
  expect((await run('ledger', 'show', 'crmid:C-1', '-a', 'own.yaml')).output).toContain('no row');
});

test('what cannot be read stops no verb, and is told by name', async () => {
  await writeActivations();
  const { deadLetters, retryQueue, letters, retries } = await openStores();
  await deadLetters.put([letterOf(eventOf(1, 'C-1')), letterOf({ ...eventOf(2, 'C-1'), enqueuedAtMs: oldMs })], signal);
  const bad = `${day}/crm/invalid/0-0-0000000000000000`;
  await letters.getBlockBlobClient(`${bad}.json`).upload('{"C-1', 5);
  await retries.getBlockBlobClient('a.jsonl').upload('{"C-1', 5);
  const passedOver = `Passed over 1 dead letter that cannot be read. Restore their blobs from an earlier version, or delete them:\n  ${bad}\n`;

  const list = await run('dead-letters', 'list');
  expect(list.code).toBe(0);
  expect(list.output).toContain('Listed 2 dead letters.');
  expect(list.output).toContain(passedOver);
  const dry = await run('dead-letters', 'replay', '--dry-run', '--json');
  expect(dry.lines).toMatchObject([{ event: 'would-replay', letters: 1, tooOld: 1, unreadable: [bad] }]);
  const show = await run('dead-letters', 'show', bad);
  expect(show).toMatchObject({ code: 1, output: '' });
  expect(show.errors).toContain(`Failed to read a dead letter: the blob ${bad}.json is not as it was written`);

  const forget = await run('forget', 'crmid:C-2', '-a', 'own.yaml', '--json');
  expect(forget.code).toBe(1);
  expect(forget.lines[0]).toMatchObject({ event: 'forgotten', retries: { erased: 0 }, unreadable: ['a.jsonl', bad] });

  const replay = await run('dead-letters', 'replay');
  expect(replay.code).toBe(2);
  expect(replay.output).toContain('Replayed 1 dead letter.');
  expect(replay.output).toContain(passedOver);
  expect(replay.errors).toContain('Failed to replay 1 dead letter of events that are older than 90 days');
  expect(
    (await waitingIn(retryQueue)).flatMap(({ events }) => events.map(({ event }) => event.sequenceNumber)),
  ).toEqual([1]);

  const purge = await run('dead-letters', 'purge', '--yes', '--json');
  expect(purge.lines).toMatchObject([{ event: 'purged', letters: 1, unreadable: [bad] }]);
  expect(await Array.fromAsync(deadLetters.names('', signal))).toEqual([bad]);
});

test(
  'resync tells a destination whom it should know, and says when it does not take them',
  { timeout: 300_000 },
  async () => {
    const told: unknown[] = [];
    let status = 204;
    const server = createServer((request, response) => {
      void buffer(request).then((body) => {
        if (status === 204) told.push(...(JSON.parse(body.toString()) as { data: unknown[] }).data);
        response.writeHead(status).end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    await writeActivations(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const { ledger } = await openStores();
    const left = { ...deliveredRecord, known: { ...member, status: 'exited' as const, isMember: false } };
    await ledger.write(
      [
        { key: keyOf('C-1'), record: deliveredRecord, expected: undefined },
        { key: keyOf('C-2'), record: deliveredRecord, expected: undefined },
        { key: keyOf('C-3'), record: left, expected: undefined },
      ],
      signal,
    );

    const words = ['resync', 'crm', '--activations', 'own.yaml'];
    expect((await run(...words, '--dry-run')).output).toBe('Would tell crm of 2 memberships.\n');
    status = 400;
    const refused = await run(...words, '--json');
    expect(refused.code).toBe(1);
    expect(refused.lines).toMatchObject([{ event: 'resynced', delivered: 0, failed: 2, gaveUp: true }]);
    expect(refused.output + refused.errors).not.toContain('C-1');
    status = 204;
    expect((await run(...words, '--audience', 'vip')).output).toContain('Told crm of 2 memberships');
    expect(told).toHaveLength(2);
    expect(told).toMatchObject([{ change: 'entered', attributes: { firstName: 'Ada' } }, { change: 'entered' }]);
  },
);

test('without anything listening the way out is named', async () => {
  await writeActivations();
  const unused = azurite.connectionString.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:9');
  const { code, errors } = await run('dead-letters', 'list', '--connection-string', unused);
  expect(errors).toMatch(/^Failed to list the dead letters: the blob store at 127\.0\.0\.1:9 could not be reached/);
  expect(errors).not.toContain('AccountKey');
  expect(code).toBe(1);
});
