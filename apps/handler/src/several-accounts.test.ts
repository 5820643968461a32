/* The journey over a ledger in several storage accounts, by two workers and after a restart. */
import {
  eventOf,
  openActivation,
  personExport,
  RecordingDestination,
  type PersonContent,
  type TestActivation,
} from '@activation-hub/activation/testing';
import { ledgerTables, SpreadLedger, type LedgerTables } from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { InMemoryRetryQueue } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const people = 60;
const { signal } = new AbortController();
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite({ accounts: 4 });
});
afterAll(() => azurite.stop());

function tablesOf(accounts: number): readonly LedgerTables[] {
  return ledgerTables(
    azurite.connectionStrings.slice(0, accounts).map((connectionString) => ({ connectionString })),
    { rows: `rows${accounts}`, layout: `layout${accounts}` },
  );
}

/** Workers that share what a deployment shares. */
function workersOver(tables: readonly LedgerTables[]) {
  const destinations = { crm: new RecordingDestination(), ads: new RecordingDestination() };
  const retryQueue = new InMemoryRetryQueue();
  const start = (): TestActivation =>
    openActivation({ ledger: new SpreadLedger(tables), destinations, retryQueue, cache: { expectAfterKeys: 8 } });
  return { ...destinations, start };
}

async function rowsOf({ rows }: LedgerTables): Promise<number> {
  return (await Array.fromAsync(rows.listEntities())).length;
}

test.each([2, 4])(
  'over %d accounts everyone is told once, followed, retried, and known after a restart',
  async (accounts) => {
    const tables = tablesOf(accounts);
    await new SpreadLedger(tables).createTables(signal);
    const { crm, start } = workersOver(tables);
    const workers = [start(), start()];
    let sequenceNumber = 0;
    const tell = async (of: (n: number) => PersonContent): Promise<void> => {
      const events = Array.from({ length: people }, (_, n) => {
        sequenceNumber += 1;
        return eventOf(personExport({ person: `p${n}`, at: sequenceNumber, ...of(n) }), sequenceNumber, {
          partitionId: String(n % 2),
        });
      });
      await Promise.all(workers.map((worker, w) => worker.activate(...events.filter((_, n) => n % 2 === w))));
    };

    // Known by their addresses at first, so that each is in another account afterwards, or not.
    await tell((n) => ({ identities: { email: [`p${n}@example.com`] } }));
    await tell(() => ({}));
    await tell((n) => ({ firstName: `Ada ${n}` }));
    crm.onRequest = () => {
      throw new DestinationError('transient', 'It is down.');
    };
    await tell((n) => ({ status: n % 3 === 0 ? 'exited' : 'realized', firstName: `Eve ${n}` }));
    crm.onRequest = () => undefined;
    for (let round = 0; round < 20; round += 1)
      for (const worker of workers) {
        worker.clock.nowMs += 3_600_000;
        await worker.retryDue();
      }

    const members = Array.from({ length: people }, (_, n) => n).filter((n) => n % 3 !== 0);
    expect(Object.fromEntries(crm.members)).toEqual(
      Object.fromEntries(members.map((n) => [`sports-fans p${n}`, { attributes: { firstname: `Eve ${n}` } }])),
    );
    for (const table of tables) expect(await rowsOf(table)).toBeGreaterThan(people / accounts / 2);

    const told = crm.told.length;
    workers.splice(0, 2, start(), start());
    const known = sequenceNumber - people;
    const again = Array.from({ length: people }, (_, n) =>
      eventOf(
        personExport({
          person: `p${n}`,
          at: known + n + 1,
          status: n % 3 === 0 ? 'exited' : 'realized',
          firstName: `Eve ${n}`,
        }),
        known + n + 1,
      ),
    );
    await workers[0]?.activate(...again);
    expect(crm.told).toHaveLength(told);
    expect(workers[0]?.outcomes()).toEqual({ 'crm unchanged': people });
  },
);
