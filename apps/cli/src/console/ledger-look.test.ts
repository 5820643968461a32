import { parseActivationFile } from '@activation-hub/activation-file';
import {
  InMemoryLedger,
  lease,
  settle,
  shadowDestination,
  type AttemptOutcome,
  type LedgerKey,
  type LedgerRecord,
} from '@activation-hub/membership';
import { loadDestinations } from '@activation-hub/destinations';
import { expect, test } from 'vitest';
import { lookAtLedger } from './ledger-look.ts';

const vip = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const file = parseActivationFile(
  `version: 1
destinations: { crm: { type: log }, trial: { type: log } }
audiences:
  vip:
    id: ${vip}
    activate:
      - { destination: crm, identity: crmid }
      - { destination: trial, identity: crmid, mode: shadow }
`,
  { fileName: 'own.yaml', destinations: await loadDestinations(['log']) },
);
const { signal } = new AbortController();
const nowMs = Date.UTC(2026, 0, 31, 12);
const minutesAgo = (minutes: number): number => nowMs - minutes * 60_000;

const keyOf = (person: string, destination = 'crm', id = vip): LedgerKey => ({
  destination,
  identity: { namespace: 'crmid', value: person },
  audience: { namespace: 'ups', id },
});

/** Tried at these times, after an export of two seconds before the first. */
function record(...attempts: readonly (readonly [atMs: number, outcome: AttemptOutcome, reason?: string])[]) {
  const enqueuedAtMs = (attempts[0]?.[0] ?? 0) - 2_000;
  const at = { qualifiedAtMs: enqueuedAtMs, enqueuedAtMs, sequenceNumber: 1, content: '' };
  const desired = { state: { status: 'realized', isMember: true, ...at }, attributes: {} } as const;
  let row: LedgerRecord | undefined;
  for (const [atMs, outcome, reason] of attempts) {
    const because = row === undefined ? 'export' : 'retry';
    const leased = lease(row, desired, { holder: 'h', expiresAtMs: atMs + 1 }, { atMs, because, kind: 'entered' });
    const ended = outcome === 'deferred' ? ({ is: 'deferred', chainId: 'c' } as const) : outcome;
    row = settle(leased, ended, false, { atMs, ...(reason === undefined ? {} : { class: 'transient', reason }) });
  }
  if (row === undefined) throw new Error('no attempt');
  return row;
}

async function ledgerOf(rows: readonly (readonly [LedgerKey, LedgerRecord])[]): Promise<InMemoryLedger> {
  const ledger = new InMemoryLedger();
  await ledger.write(
    rows.map(([key, each]) => ({ key, record: each, expected: undefined })),
    signal,
  );
  return ledger;
}

const look = async (rows: readonly (readonly [LedgerKey, LedgerRecord])[], rowsMax?: number) =>
  lookAtLedger(file, await ledgerOf(rows), () => nowMs, signal, rowsMax);

test('each route has its members, what waits and what came in the last hour; rows of others count nowhere', async () => {
  const { cells, rows, isCut } = await look([
    [keyOf('C-1'), record([minutesAgo(5), 'delivered'])],
    [keyOf('C-2'), record([minutesAgo(90), 'delivered'])],
    [keyOf('C-3'), record([minutesAgo(4), 'deferred', '503'])],
    [keyOf('C-1', shadowDestination('trial')), record([minutesAgo(5), 'delivered'])],
    [keyOf('C-1', 'crm', 'of-another-audience'), record([minutesAgo(5), 'delivered'])],
    [keyOf('C-1', 'gone'), record([minutesAgo(5), 'delivered'])],
  ]);
  expect(cells).toEqual([
    {
      audience: 'vip',
      destination: 'crm',
      mode: 'live',
      outcomes: { delivered: 2, deferred: 1 },
      members: 2,
      waiting: 1,
      lately: 2,
      deliveredAtMs: minutesAgo(5),
      // The newest thing that is known of the CRM is that it did not take something.
      health: 'failing',
    },
    expect.objectContaining({
      destination: 'trial',
      mode: 'shadow',
      outcomes: { shadowed: 1 },
      members: 0,
      health: 'well',
    }),
  ]);
  expect([rows, isCut]).toEqual([6, false]);
});

test('what a destination did not take is told by its reason, the newest first; once it takes something again it refuses no more', async () => {
  const refused = await look([
    [keyOf('C-1'), record([minutesAgo(9), 'deferred', 'it answered 503'])],
    [keyOf('C-2'), record([minutesAgo(8), 'deferred', 'it answered 503'])],
    [keyOf('C-3'), record([minutesAgo(7), 'rejected', 'no such list'])],
  ]);
  expect(refused.destinations.get('crm')).toEqual({
    waiting: 2,
    isRefusing: true,
    failures: [
      { atMs: minutesAgo(7), verdict: 'transient', reason: 'no such list', changes: 1 },
      { atMs: minutesAgo(8), verdict: 'transient', reason: 'it answered 503', changes: 2 },
    ],
  });
  const well = await look([
    [keyOf('C-1'), record([minutesAgo(9), 'deferred', 'it answered 503'], [minutesAgo(2), 'delivered'])],
  ]);
  expect(well.destinations.get('crm')).toMatchObject({ waiting: 0, isRefusing: false, toldAtMs: minutesAgo(2) });
  expect(well.cells[0]).toMatchObject({ health: 'well' });
});

test('the last hour is there minute by minute, with the age from hub to destination', async () => {
  const { series } = await look([
    [keyOf('C-1'), record([minutesAgo(9), 'deferred', '503'], [minutesAgo(2), 'delivered'])],
    [keyOf('C-2'), record([minutesAgo(2), 'delivered'])],
  ]);
  expect(series).toHaveLength(60);
  expect(series.filter(({ delivered, deferred }) => delivered + deferred > 0)).toEqual([
    expect.objectContaining({ atMs: minutesAgo(9), deferred: 1, delivered: 0 }),
    { atMs: minutesAgo(2), deferred: 0, delivered: 2, failed: 0, silent: 0, ageMedianMs: 422_000, ageHighMs: 422_000 },
  ]);
});

test('a ledger that is larger than what is read is said to be', async () => {
  const rows = ['C-1', 'C-2', 'C-3'].map((person) => [keyOf(person), record([minutesAgo(1), 'delivered'])] as const);
  expect(await look(rows, 2)).toMatchObject({ rows: 2, isCut: true, cells: [{ members: 2 }, {}] });
  expect(await look(rows, 3)).toMatchObject({ rows: 3, isCut: false });
});
