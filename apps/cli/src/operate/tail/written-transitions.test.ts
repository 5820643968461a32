import { tableClient, TableLedger } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { lease, note, settle, shadowDestination, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
import { exampleState } from '@activation-hub/membership/testing';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { loadActivations } from '../../activation-file/activations.ts';
import { TailView } from './tail-view.ts';
import { WrittenTransitions, type WrittenTransition } from './written-transitions.ts';

const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const { signal } = new AbortController();

const keyOf = (person: string, destination = 'crm'): LedgerKey => ({
  destination,
  identity: { namespace: 'crmid', value: person },
  audience: { namespace: 'ups', id: vipId },
});

/**
 * A ledger in Azurite, and who watches it with a file of one route; of the real clock, as the
 * store's is.
 */
async function watch() {
  const azurite = await startAzurite({});
  onTestFinished(() => azurite.stop());
  const ledger = new TableLedger(tableClient(azurite, 'ledger'));
  await ledger.createTable(signal);
  const folder = await temporaryFolder();
  await writeFile(
    join(folder, 'my.yaml'),
    `version: 1
destinations: { crm: { type: log } }
audiences:
  vip: { id: ${vipId}, activate: [{ destination: crm, identity: crmid }] }
`,
  );
  const file = await loadActivations('my.yaml', capturedTerminal({ folder }));
  const transitions = new WrittenTransitions(file, ledger);
  const versions = new Map<string, string>();
  const write = async (key: LedgerKey, record: LedgerRecord): Promise<LedgerRecord> => {
    const name = JSON.stringify(key);
    const [result] = await ledger.write([{ key, record, expected: versions.get(name) }], signal);
    if (result?.written !== true) throw new Error('The row was written by another.');
    versions.set(name, result.version);
    return record;
  };
  const look = async (): Promise<readonly WrittenTransition[]> => transitions.look(Date.now(), signal);
  return { file, write, look };
}

/** A row that is leased to be told, `secondsAgo`. */
function leased(secondsAgo: number, before?: LedgerRecord): LedgerRecord {
  const atMs = Date.now() - secondsAgo * 1_000;
  const state = exampleState({ enqueuedAtMs: atMs - 400 });
  const by = { holder: 'me', expiresAtMs: atMs + 60_000 };
  return lease(before, { state, attributes: {} }, by, { atMs, because: 'export', kind: 'entered' });
}

const shown = (found: readonly WrittenTransition[]): readonly string[] =>
  found.map(({ identity, transition: { did, outcome = '' } }) => `${identity.value} ${did} ${outcome}`);

test('what was before is not shown, what happens then is shown once, and an attempt when it has ended', async () => {
  const { write, look } = await watch();
  await write(keyOf('C-1'), settle(leased(9), 'delivered', false, { atMs: Date.now() - 8_000 }));
  expect(await look()).toEqual([]);

  const under = await write(keyOf('C-2'), leased(0));
  expect(await look()).toEqual([]);
  await write(keyOf('C-2'), settle(under, 'delivered', false, { atMs: Date.now() }));
  expect(shown(await look())).toEqual(['C-2 entered delivered']);
  expect(await look()).toEqual([]);
});

test('what a row did before comes not again with what it does now, and a refusal comes as often as it happens', async () => {
  const { write, look } = await watch();
  expect(await look()).toEqual([]);
  const deferred = { is: 'deferred', chainId: 'c' } as const;
  const why = { class: 'throttled', reason: '429 Too Many Requests' };
  const first = await write(keyOf('C-1'), settle(leased(3), deferred, false, { atMs: Date.now() - 2_900, ...why }));
  expect(shown(await look())).toEqual(['C-1 entered deferred']);
  const again = settle(leased(1, first), deferred, false, { atMs: Date.now() - 900, ...why });
  await write(keyOf('C-1'), again);
  expect(shown(await look())).toEqual(['C-1 entered deferred']);
  await write(keyOf('C-1'), settle(leased(0, again), 'delivered', false, { atMs: Date.now() }));
  expect(shown(await look())).toEqual(['C-1 entered delivered']);
});

test('rows of routes that the file does not have are shown without a route, and a shadow route’s rows as such', async () => {
  const { file, write, look } = await watch();
  await look();
  const told = settle(leased(1), 'delivered', false, { atMs: Date.now() });
  await write(keyOf('C-1', 'gone'), told);
  await write({ ...keyOf('C-1'), audience: { namespace: 'ups', id: 'other' } }, told);
  await write(keyOf('C-12345678', shadowDestination('crm')), told);
  const withheld = { ...exampleState(), isMember: false };
  await write(
    keyOf('C-3'),
    note(undefined, { state: withheld, attributes: {} }, 'noted', { atMs: Date.now(), because: 'export' }),
  );
  const found = await look();
  const view = new TailView(file);
  expect(
    found.map((each) => view.add(each)).toSorted((one, other) => one.outcome.localeCompare(other.outcome)),
  ).toMatchObject([
    {
      destination: 'crm',
      audience: 'vip',
      namespace: 'crmid',
      person: '●●●●5678',
      outcome: 'shadowed',
      why: 'Would have told that the person entered; the route was in shadow mode.',
    },
    { person: '●●●●', outcome: 'withheld', why: expect.stringContaining('consent does not say yes') as string },
  ]);
});
