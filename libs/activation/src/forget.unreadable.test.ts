import { createMatcher } from '@activation-hub/activation-file';
import { linkKey, linkRecord, shadowDestination, type LedgerKey } from '@activation-hub/membership';
import { readable, SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  defaultFile,
  exitedAt,
  fansKey,
  memberAt,
  openActivation,
  parseTestFile,
  putRow,
  rowOf,
  untoldRowOf,
} from '../testing/index.ts';
import { explain } from './explain.ts';
import { forget } from './forget.ts';

const { signal } = new AbortController();
const asItIs = ({ value }: { readonly value: string }) => [value];
const places = [{ ledgerName: 'crm', forms: asItIs }];
const p1 = fansKey().identity;

async function open(rows: Readonly<Record<string, LedgerKey>>) {
  const ledger = new SpoilableLedger();
  const opened = openActivation({ ledger });
  for (const key of Object.values(rows)) await putRow(ledger, key, rowOf(memberAt()));
  const forgetP1 = (dryRun = false) => forget([p1], places, opened.context, { dryRun, signal });
  return { ...opened, ledger, forgetP1 };
}

test('an erasure goes on beside the rows of others that cannot be read, and names them', async () => {
  const { ledger, forgetP1 } = await open({ own: fansKey(), other: fansKey('p2') });
  const remembering = fansKey('p3');
  await putRow(ledger, remembering, untoldRowOf(exitedAt(1), { formerOf: [{ ...p1, linkDigest: 'd' }] }));
  const { unreadable } = await ledger.spoil(fansKey('p2'));
  const unreadableRows = { rows: 1, names: [unreadable] };
  expect(await forgetP1(true)).toMatchObject({ rows: { crm: 2 }, unreadableRows });
  expect(await forgetP1()).toMatchObject({ rows: { crm: 2 }, unreadableRows });
  expect(await ledger.read([fansKey()], signal)).toEqual([undefined]);
  expect(await forgetP1()).toMatchObject({ rows: { crm: 0 }, unreadableRows });
});

test('the rows of the person that cannot be read stay, and are named', async () => {
  const { ledger, forgetP1 } = await open({ own: fansKey() });
  const link = linkKey(fansKey('p5'), { namespace: 'ecid', value: 'e1' });
  await putRow(ledger, link, linkRecord(memberAt(), { identities: [p1], leaving: [] }, 'd'));
  const names = [(await ledger.spoil(fansKey())).unreadable, (await ledger.spoil(link)).unreadable];
  const { unreadableRows, rows } = await forgetP1();
  expect(rows).toEqual({ crm: 0 });
  expect(unreadableRows.names.toSorted()).toEqual(names.toSorted());
  expect(ledger.under.size).toBe(2);
  ledger.mend();
  expect(await forgetP1()).toMatchObject({ rows: { crm: 2 }, unreadableRows: { rows: 0, names: [] } });
});

test('a row that remembers one which cannot be read stays, and stops nothing', async () => {
  const { ledger, forgetP1 } = await open({ remembered: fansKey('p2') });
  const former = untoldRowOf(exitedAt(1), { formerOf: [{ ...fansKey('p2').identity, linkDigest: 'd' }] });
  await putRow(ledger, fansKey(), former);
  const { unreadable } = await ledger.spoil(fansKey('p2'));
  expect(await forgetP1()).toMatchObject({ rows: { crm: 0 }, unreadableRows: { rows: 1, names: [unreadable] } });
  expect(await ledger.read([fansKey()], signal)).toMatchObject([{ record: former }]);
});

test('a row of the person that cannot be read any more when it is to be erased is named too', async () => {
  const { ledger, forgetP1 } = await open({ own: fansKey() });
  const rows = ledger.rows.bind(ledger);
  let isSpoiled = false;
  ledger.rows = async function* (of, walk) {
    if ('identity' in of && !isSpoiled) {
      isSpoiled = true;
      await ledger.spoil(fansKey());
    }
    yield* rows(of, walk);
  };
  expect(await forgetP1()).toMatchObject({ rows: { crm: 0 }, unreadableRows: { rows: 1 } });
});

/** The row of the person remembers that of p2, which becomes another one when it is looked for. */
async function openRemembering(meanwhile: (ledger: SpoilableLedger) => Promise<unknown>) {
  const opened = await open({});
  const { ledger } = opened;
  await putRow(ledger, fansKey('p2'), rowOf(memberAt(), { linkDigest: 'd' }));
  const formerOf = [{ ...fansKey('p2').identity, linkDigest: 'd' }];
  await putRow(ledger, fansKey(), untoldRowOf(exitedAt(1), { formerOf }));
  const write = ledger.write.bind(ledger);
  const read = ledger.read.bind(ledger);
  let isDone = false;
  const once = async () => {
    if (isDone) return;
    isDone = true;
    await meanwhile(ledger);
  };
  return { ...opened, read, write, once };
}

test('a row that remembers one which cannot be read any more stays, and that one is named', async () => {
  const { ledger, forgetP1, read, once } = await openRemembering((of) => of.spoil(fansKey('p2')));
  ledger.read = async (keys, signalOfRead) => {
    await once();
    return read(keys, signalOfRead);
  };
  expect(await forgetP1()).toMatchObject({ rows: { crm: 0 }, unreadableRows: { rows: 1 } });
});

test('a row stays until those that it remembers have lost their digests', async () => {
  const { ledger, forgetP1, write, once } = await openRemembering(async (of) => {
    await putRow(of.under, fansKey('p2'), rowOf(memberAt(), { linkDigest: 'd', inDoubt: true }));
  });
  ledger.write = async (writes, signalOfWrite) => {
    await once();
    return write(writes, signalOfWrite);
  };
  expect(await forgetP1()).toMatchObject({ rows: { crm: 1 } });
  const [other] = await readable(ledger).read([fansKey('p2')], signal);
  expect(other?.record).toMatchObject({ inDoubt: true });
  expect(other?.record.linkDigest).toBeUndefined();
});

test('a route of which a row of the person cannot be read is not one of which nothing was decided', async () => {
  const { ledger, context, retryQueue, clock } = await open({ own: fansKey() });
  await ledger.spoil(fansKey());
  const file = parseTestFile(defaultFile);
  const of = { file, matcher: createMatcher(file), places, nowMs: clock.nowMs };
  const { deadLetters } = context;
  const { routes } = await explain([p1], { ...of, ledger, retryQueue, deadLetters }, signal);
  expect(routes.map(({ destination, state, says }) => ({ destination, state, says }))).toEqual([
    {
      destination: 'crm',
      state: 'unknown',
      says: 'A row of the person at this destination cannot be read, so that nothing can be said of the route.',
    },
  ]);
});

test('the story of a person names the rows that cannot be read', async () => {
  const shadow = { ...fansKey(), destination: shadowDestination('crm') };
  const { ledger, context, retryQueue, clock } = await open({ own: fansKey(), shadow });
  const link = linkKey(fansKey('p5'), { namespace: 'ecid', value: 'e1' });
  await putRow(ledger, link, linkRecord(memberAt(), { identities: [p1], leaving: [] }, 'd'));
  const names = [(await ledger.spoil(shadow)).unreadable, (await ledger.spoil(link)).unreadable];
  const file = parseTestFile(defaultFile);
  const of = { file, matcher: createMatcher(file), places, nowMs: clock.nowMs };
  const { deadLetters } = context;
  const { unreadableRows, routes } = await explain([p1], { ...of, ledger, retryQueue, deadLetters }, signal);
  expect(routes).toMatchObject([{ destination: 'crm', state: 'told' }]);
  expect(unreadableRows.rows).toBe(2);
  expect(unreadableRows.names.toSorted()).toEqual(names.toSorted());
});
