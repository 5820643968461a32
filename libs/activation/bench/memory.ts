/*
 * The memory of the journey in one process, over a million exports. Run: npm run bench:memory [--
 * --exports 1000000]
 *
 * Of four exports two bring a person who was never seen, one says of a person of late what is
 * known, and one brings another first name. The ledger, which is outside of the process in Azure,
 * keeps what such people can still ask for and forgets the others. Each line is printed after a
 * collection of garbage.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InMemoryLedger, ledgerKeyText, type Ledger, type LedgerKey } from '@activation-hub/membership';
import { activate } from '../src/index.ts';
import { batchesOf, exportsOf, newHub, nowMs, random } from './hub.ts';

const { values } = parseArgs({ options: { exports: { type: 'string', default: '1000000' } } });
const exportsAll = Number(values.exports);
const lines = 10;
const recentPeople = 5_000;
/** Four rows of a person: two audiences, and an identity and another one. */
const rowsMax = recentPeople * 4 * 4;
const cacheBytes = 128 * 1_024 * 1_024;

/**
 * A ledger that forgets the rows that were not written for long, so that what grows is not the
 * stand-in of the store.
 */
function forgettingLedger(): Ledger {
  const ledger = new InMemoryLedger();
  const versions = new Map<string, { readonly key: LedgerKey; readonly version: string }>();
  return {
    read: (keys, signal) => ledger.read(keys, signal),
    rows: (of, signal) => ledger.rows(of, signal),
    remove: (key, expected, signal) => ledger.remove(key, expected, signal),
    write: async (writes, signal) => {
      const results = await ledger.write(writes, signal);
      let index = 0;
      for (const { key } of writes) {
        const result = results[index];
        index += 1;
        if (result?.written !== true) continue;
        const text = ledgerKeyText(key);
        versions.delete(text);
        versions.set(text, { key, version: result.version });
      }
      for (const [text, { key, version }] of versions) {
        if (versions.size <= rowsMax) break;
        versions.delete(text);
        await ledger.remove(key, version, signal);
      }
      return results;
    },
  };
}

const [pattern = ''] = exportsOf(1, 5, 2, true).map(String);
const crmid = /CRM-\d+/.exec(pattern)?.[0] ?? '';
const email = /"email":\[\{"id":"([^"]+)"/.exec(pattern)?.[1] ?? '';
const firstName = /"firstName":"([^"]+)"/.exec(pattern)?.[1] ?? '';

function exportOf(person: number, name: string): Buffer {
  return Buffer.from(
    pattern
      .replaceAll(crmid, `CRM-${person}`)
      .replaceAll(email, `person-${person}@example.com`)
      .replace(`"firstName":"${firstName}"`, `"firstName":"${name}"`),
  );
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_024 / 1_024)} MiB`.padStart(9);

const hub = newHub(forgettingLedger(), cacheBytes);
let people = 0;
process.stdout.write('  exports     heap   outside      cache\n');
for (let told = 0; told < exportsAll;) {
  const bodies = Array.from({ length: 100 }, (_, n) => {
    if (n % 4 < 2) return exportOf((people += 1), firstName);
    const recent = people - Math.floor(random() * Math.min(people, recentPeople));
    return exportOf(recent, n % 4 === 2 ? firstName : `${firstName} ${told % 7}`);
  });
  for (const events of batchesOf(bodies, nowMs + told)) {
    const numbered = events.map((event, n) => ({ ...event, sequenceNumber: told + n }));
    await activate({ events: numbered }, hub);
  }
  told += bodies.length;
  if (told % (exportsAll / lines) !== 0) continue;
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(
    `${told.toLocaleString('en').padStart(9)}${mebibytes(heapUsed)}${mebibytes(external)}  ${mebibytes(hub.ledgerCache.bytes)}\n`,
  );
}
