import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
import { deadLetterName, type DeadLetter, type ReceivedEvent, type Retry } from '@activation-hub/delivery';
import { lease, settle, type LedgerRecord } from '@activation-hub/membership';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const newsId = '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c';
const signal = new AbortController().signal;
const noonMs = Date.UTC(2026, 0, 15, 12);
let azurite: Azurite;
let folder: string;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

async function writeActivations(): Promise<void> {
  folder = await temporaryFolder();
  await writeFile(
    join(folder, 'own.yaml'),
    `version: 1
destinations:
  crm: { type: webhook, settings: { url: "https://crm.example.com" } }
  ads: { type: webhook, settings: { url: "https://ads.example.com" } }
audiences:
  vip: { id: ${vipId}, activate: [{ destination: crm, identity: crmid }, { destination: ads, identity: email }] }
  news: { id: ${newsId}, activate: [{ destination: crm, identity: crmid }] }
`,
  );
}

function run(...words: readonly string[]) {
  const environment = { DATA_STORAGE_CONNECTION_STRING: azurite.connectionString };
  return runActivation(words, { environment, folder });
}

async function openStores() {
  const connection = { connectionString: azurite.connectionString };
  const letters = containerClient(connection, 'dead-letters');
  const ledger = new TableLedger(tableClient(connection, 'ledger'));
  const deadLetters = new BlobDeadLetters(letters);
  const retryQueue = new StorageRetryQueue(containerClient(connection, 'retries'), queueClient(connection, 'retries'));
  await Promise.all([ledger.createTable(signal), deadLetters.createContainer(signal), retryQueue.createStores(signal)]);
  return { ledger, deadLetters, retryQueue, letters };
}

const keyOf = (audienceId: string) => ({
  destination: 'crm',
  identity: { namespace: 'crmid', value: 'C-1' },
  audience: { namespace: 'ups', id: audienceId },
});

function eventOf(audienceId: string): ReceivedEvent {
  const body = encodeProfileExport(
    buildProfileExport({ memberships: [{ audienceId, qualifiedAtMs: noonMs }], identities: { crmid: ['C-1'] } }),
  );
  return { body, partitionId: '0', sequenceNumber: 1, enqueuedAtMs: noonMs };
}

/** Refused twice and then taken: a row as the journey leaves it. */
function toldRecord(chainId: string): LedgerRecord {
  const state = {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs,
    enqueuedAtMs: noonMs,
    sequenceNumber: 1,
    content: '',
  } as const;
  const desired = { state, attributes: {} };
  let record: LedgerRecord | undefined;
  for (const [index, seconds] of [1, 30].entries()) {
    const atMs = noonMs + seconds * 1_000;
    const because = index === 0 ? 'export' : 'retry';
    const leased = lease(record, desired, { holder: 'h', expiresAtMs: atMs + 1 }, { atMs, because, kind: 'entered' });
    const why = { class: 'throttled', reason: '429 Too Many Requests' };
    record = settle(leased, { is: 'deferred', chainId }, false, { atMs: atMs + 200, ...why });
  }
  if (record === undefined) throw new Error('unreachable');
  if (chainId !== '') return record;
  const atMs = noonMs + 180_000;
  const leased = lease(
    record,
    desired,
    { holder: 'h', expiresAtMs: atMs + 1 },
    { atMs, because: 'retry', kind: 'entered' },
  );
  return settle(leased, 'delivered', false, { atMs: atMs + 400 });
}

test(
  'a person’s story says where each route stands, what happened when, what waits and what to do',
  { timeout: 300_000 },
  async () => {
    await writeActivations();
    const { ledger, deadLetters, retryQueue, letters } = await openStores();
    await ledger.write(
      [
        { key: keyOf(vipId), record: toldRecord(''), expected: undefined },
        { key: keyOf(newsId), record: toldRecord('r1'), expected: undefined },
      ],
      signal,
    );
    const retry: Retry = {
      id: 'r1',
      destination: 'crm',
      events: [{ event: eventOf(newsId), audiences: ['news'], rows: [keyOf(newsId)] }],
      attempts: 2,
      firstDeferredAtMs: noonMs,
      class: 'throttled',
      reason: '429 Too Many Requests',
      rows: [],
      isReplay: false,
    };
    const dueAtMs = Date.UTC(2099, 0, 1);
    await retryQueue.put(retry, dueAtMs, signal);
    const letter: DeadLetter = {
      event: eventOf(vipId),
      outcome: 'rejected',
      destination: 'ads',
      class: 'invalid',
      failures: [{ audience: 'vip', reason: 'the list is full' }],
      attempts: 1,
      givenUpAtMs: noonMs + 5_000,
    };
    await deadLetters.put([letter], signal);

    const told = await run('explain', 'crmid:C-1', '-a', 'own.yaml');
    expect(told.errors).toBe('');
    expect(told.code).toBe(0);
    expect(`\n${told.output}`).toBe(`
Now
  crm  vip     crmid C-1  told     The destination has the person. Told at 2026-01-15T12:03:00.400Z.
  crm  news    crmid C-1  waiting  Not taken yet; a retry tells it (throttled: 429 Too Many Requests). Next attempt at 2099-01-01T00:00:00.000Z.
  ads  vip     –          unknown  No identity that this route accepts was given or is linked: ask by email too.
What happened
  2026-01-15T12:00:00.000Z                        The event hub took an export of the person.
  2026-01-15T12:00:05.000Z  ads                   Kept as dead letter 2026-01-15/ads/invalid/0-1-adaac9feae705aa7 (rejected: invalid).
  2026-01-15T12:00:30.200Z  crm  vip   crmid C-1  Told that the person entered: not taken, to be tried again (throttled: 429 Too Many Requests) (2 times). First at 2026-01-15T12:00:01.000Z.
  2026-01-15T12:00:30.200Z  crm  news  crmid C-1  Told that the person entered: not taken, to be tried again (throttled: 429 Too Many Requests) (2 times). First at 2026-01-15T12:00:01.000Z.
  2026-01-15T12:03:00.400Z  crm  vip   crmid C-1  Told that the person entered by a retry: the destination took it.
  2099-01-01T00:00:00.000Z  crm                   A retry is due, after 2 attempts (throttled: 429 Too Many Requests).
Dead letters
  activation dead-letters show 2026-01-15/ads/invalid/0-1-adaac9feae705aa7
What to do
  crm news  Tries at once what waits for the destination, when it is mended.
            activation retry-now crm --activations own.yaml
  ads vip   Remove the cause, then replay the dead letters.
            activation dead-letters replay --destination ads --class invalid --activations own.yaml
`);
    const json = await run('explain', 'crmid:C-1', '-a', 'own.yaml', '--json');
    expect(JSON.parse(json.output)).toMatchObject({
      event: 'person-story',
      identities: [{ namespace: 'crmid', value: 'C-1' }],
      routes: [{ state: 'told', toldAtMs: noonMs + 180_400 }, { state: 'waiting', nextAttemptAtMs: dueAtMs }, {}],
      retries: [{ id: 'r1', dueAtMs }],
      deadLetters: [{ name: deadLetterName(letter) }],
    });

    await letters.getBlockBlobClient('2026-01-15/crm/invalid/0-1-0000000000000000.json').upload('{"C-1', 5);
    const broken = await run('explain', 'crmid:C-1', '-a', 'own.yaml');
    expect(broken.code).toBe(1);
    expect(broken.output).toContain('The destination has the person.');
    expect(broken.errors).toContain('2026-01-15/crm/invalid/0-1-0000000000000000');
    expect(broken.errors).not.toContain('C-1');

    const nobody = await run('explain', 'crmid:C-9', '-a', 'own.yaml', '--json');
    expect(JSON.parse(nobody.output)).toMatchObject({ events: [], routes: [{ state: 'unknown' }, {}, {}] });
  },
);
