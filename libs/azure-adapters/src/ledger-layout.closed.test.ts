import { randomUUID } from 'node:crypto';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { ledgerTables, type LedgerTables } from './ledger-tables.ts';
import { SpreadLedger } from './spread-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite({ accounts: 2 });
});
afterAll(() => azurite.stop());

const address = { partitionKey: 'layout', rowKey: 'ledger' };

/** The tables of a new ledger over so many accounts. */
function newTables(accounts: 1 | 2): readonly [LedgerTables, ...LedgerTables[]] {
  const id = randomUUID().replaceAll('-', '');
  const connections = azurite.connectionStrings.slice(0, accounts).map((connectionString) => ({ connectionString }));
  const [first, ...others] = ledgerTables(connections, { rows: `ledger${id}`, layout: `layout${id}` });
  return [first ?? expect.unreachable(), ...others];
}

const put = (ledger: SpreadLedger, person: number) =>
  ledger.write([{ key: exampleKey(person), record: exampleRecord(), expected: undefined }], signal);

/** A clock that goes on by sleeping alone. */
class OwnClock {
  #nowMs = Date.UTC(2026, 0, 31);
  readonly slept: number[] = [];
  readonly now = (): number => this.#nowMs;
  readonly sleep = (ms: number): Promise<void> => {
    this.#nowMs += ms;
    this.slept.push(ms);
    return Promise.resolve();
  };
}

test('a ledger that was closed is written by no process, not by one that had it open either, and is opened by an import', async () => {
  for (const accounts of [1, 2] as const) {
    const tables = newTables(accounts);
    const clock = new OwnClock();
    const ledgerHere = () => new SpreadLedger(tables, { clock });
    await ledgerHere().createTables(signal);
    const running = ledgerHere();
    await put(running, 1);
    await ledgerHere().close(signal);
    expect(clock.slept).toEqual([60_000]);
    const words = 'it was closed, because it is moved';
    await expect(put(running, 2)).rejects.toThrow(words);
    await expect(running.read([exampleKey(1)], signal)).rejects.toThrow(words);
    await expect(running.remove(exampleKey(1), 'version', signal)).rejects.toThrow(words);
    await expect(Array.fromAsync(running.rows({}, signal))).rejects.toThrow(words);
    await expect(put(ledgerHere(), 2)).rejects.toThrow(words);
    await expect(ledgerHere().createTables(signal)).rejects.toThrow(words);
    const lines = await Array.fromAsync(ledgerHere().exported({ nowMs: 0, signal }));
    expect(lines).toHaveLength(3);
    await ledgerHere().close(signal);
    expect(clock.slept).toEqual([60_000]);

    const { leftAlone } = await ledgerHere().import(() => ReadableStream.from(lines), { signal, resume: true });
    expect(leftAlone).toBe(1);
    await put(running, 2);
  }
});

test('one account of two that was closed closes both, and the next close leaves its time and waits for the other', async () => {
  const tables = newTables(2);
  const clock = new OwnClock();
  await new SpreadLedger(tables, { clock }).createTables(signal);
  const closedAt = new Date(clock.now() - 50_000).toISOString();
  await tables[0].layout.updateEntity({ ...address, closedAt }, 'Merge');
  await expect(put(new SpreadLedger(tables, { clock }), 1)).rejects.toThrow('it was closed');
  await new SpreadLedger(tables, { clock }).close(signal);
  expect(clock.slept).toEqual([60_000]);
  expect((await tables[0].layout.getEntity('layout', 'ledger')).closedAt).toBe(closedAt);
});

test('a ledger from before there were layouts can be closed too', async () => {
  const tables = newTables(1);
  const clock = new OwnClock();
  await tables[0].rows.createTable();
  const running = new SpreadLedger(tables, { clock });
  await put(running, 1);
  await new SpreadLedger(tables, { clock }).close(signal);
  await expect(put(running, 2)).rejects.toThrow('it was closed');
});

test('a process looks every thirty seconds whether its ledger is still the one that it opened', async () => {
  const tables = newTables(1);
  const clock = new OwnClock();
  const running = new SpreadLedger(tables, { clock });
  await running.createTables(signal);
  await tables[0].layout.updateEntity({ ...address, imported: false }, 'Merge');
  await clock.sleep(29_999);
  await put(running, 1);
  await clock.sleep(1);
  await expect(put(running, 2)).rejects.toThrow('an import into it has not ended');
  await tables[0].layout.updateEntity({ ...address, imported: true }, 'Merge');
  await put(running, 2);
});

test('of several calls at once one looks again, and the others go on', async () => {
  const tables = newTables(1);
  const clock = new OwnClock();
  const running = new SpreadLedger(tables, { clock });
  await running.createTables(signal);
  const [{ layout }] = tables;
  const get = layout.getEntity.bind(layout);
  const { promise: looked, resolve: look } = Promise.withResolvers<undefined>();
  const looks: string[] = [];
  layout.getEntity = async (...asked) => {
    looks.push(asked[1]);
    await looked;
    return get(...asked);
  };
  await clock.sleep(30_000);
  const first = put(running, 1);
  await put(running, 2);
  look(undefined);
  await first;
  expect(looks).toEqual(['ledger']);
});

test('a close that is broken off ends with the reason', async () => {
  const tables = newTables(1);
  const stopping = new AbortController();
  const sleep = (): Promise<void> => {
    stopping.abort(new Error('stopped'));
    return Promise.resolve();
  };
  const clock = { now: () => 0, sleep };
  await expect(new SpreadLedger(tables, { clock }).close(stopping.signal)).rejects.toThrow('stopped');
});
