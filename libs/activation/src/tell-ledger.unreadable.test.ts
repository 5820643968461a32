import { linkDestination, linkKey, linkRecord, type LedgerKey } from '@activation-hub/membership';
import { SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { exitedAt, fansId, fansKey, memberAt, openActivation, putRow, rowOf, untoldRowOf } from '../testing/index.ts';
import { countFill, countResync, countRetire, fill, renew, resync, retire, takeOut } from './tell-ledger.ts';

const { signal } = new AbortController();
const fileOf = (mode = 'live'): string => `
version: 1
destinations: { crm: { type: recording }, ads: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: crmid, mode: ${mode}, follow: ecid }, { destination: ads, identity: crmid, follow: ecid }]
`;
const [one, two, three] = ['p1', 'p2', 'p3'].map((person) => fansKey(person)) as [LedgerKey, LedgerKey, LedgerKey];

/** Three members of whom the row of the second cannot be read. */
async function open(mode = 'live', over = {}) {
  const ledger = new SpoilableLedger();
  const opened = openActivation({ ledger, file: fileOf(mode), ...over });
  for (const key of [one, two, three]) await putRow(ledger, key, rowOf(memberAt()));
  const { unreadable } = await ledger.spoil(two);
  const walk = { context: opened.context, destination: 'crm' };
  return { ...opened, ledger, walk, unreadable: { rows: 1, names: [unreadable] } };
}

test('a resync tells the others, and says which row cannot be read', async () => {
  const { walk, crm, unreadable } = await open();
  expect(await countResync(walk, signal)).toEqual({ rows: 2, unreadable });
  expect(await resync(walk, { signal })).toMatchObject({ rows: 2, delivered: 2, unreadable });
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p3']);
});

test('a retirement takes the others out, and says which row cannot be read', async () => {
  const { walk, crm, unreadable } = await open('retired');
  expect(await countRetire(walk, signal)).toEqual({ rows: 2, unreadable });
  expect(await retire(walk, { signal })).toMatchObject({ delivered: 2, unreadable });
  expect(crm.story).toEqual(['exited sports-fans p1', 'exited sports-fans p3']);
});

test('an erasure takes a person out under the rows that can be read', async () => {
  const { walk, crm, unreadable } = await open();
  const identities = [one, two].map(({ identity }) => identity);
  expect(await takeOut({ ...walk, identities }, { signal })).toMatchObject({ delivered: 1, unreadable });
  expect(crm.story).toEqual(['exited sports-fans p1']);
});

test('a fill leaves out rows that cannot be read, at the source, of the new route and among the links', async () => {
  const { walk, ads, ledger, unreadable, context } = await open();
  const adsKey = { ...three, destination: 'ads' };
  await putRow(ledger, adsKey, untoldRowOf(exitedAt(-60)));
  const names = [...unreadable.names, (await ledger.spoil(adsKey)).unreadable];
  const fills = { ...walk, destination: 'ads', source: 'crm', audience: 'sports-fans' };
  expect(await countFill(fills, signal)).toEqual({ rows: 1, unresolved: 0, unreadable: { rows: 2, names } });

  const link = (person: string) => linkKey(fansKey(person), { namespace: 'ecid', value: person });
  const record = (person: string) =>
    linkRecord(memberAt(), { identities: [fansKey(person).identity], leaving: [] }, 'd');
  for (const person of ['p1', 'p2', 'p3']) await putRow(ledger, link(person), record(person));
  const ofAds = { ...link('p1'), destination: linkDestination('ads') };
  await putRow(ledger, ofAds, record('p1'));
  const links = [(await ledger.spoil(link('p2'))).unreadable, (await ledger.spoil(ofAds)).unreadable];
  const told = await fill(fills, { signal });
  expect(told).toMatchObject({ delivered: 1, unreadable: { rows: 4 } });
  expect(told.unreadable.names.toSorted()).toEqual([...links, ...names].toSorted());
  expect(ads.story).toEqual(['entered sports-fans p1']);
  const keys = ['p1', 'p2', 'p3'].map((person) => ({ ...link(person), destination: linkDestination('ads') }));
  const filled = await context.ledger.read(keys, signal);
  expect(filled.map((row) => row !== undefined)).toEqual([true, false, true]);
});

test('a fill leaves out links that hold something else, at the source and of the new route', async () => {
  const { walk, ledger } = await open();
  const link = (person: string) => linkKey(fansKey(person), { namespace: 'ecid', value: person });
  const record = linkRecord(memberAt(), { identities: [one.identity], leaving: [] }, 'd');
  await putRow(ledger, link('p1'), rowOf(memberAt()));
  await putRow(ledger, link('p3'), record);
  await putRow(ledger, { ...link('p3'), destination: linkDestination('ads') }, rowOf(memberAt()));
  const told = await fill({ ...walk, destination: 'ads', source: 'crm', audience: 'sports-fans' }, { signal });
  expect(told).toMatchObject({ delivered: 2, unreadable: { rows: 3 } });
  expect(told.unreadable.names.filter((name) => name.includes('~link'))).toHaveLength(2);
});

test('whose former rows cannot be read is told nothing', async () => {
  const { walk, ads, ledger, unreadable } = await open();
  const remembering = untoldRowOf(exitedAt(-60), { formerOf: [{ ...two.identity, linkDigest: 'd' }] });
  await putRow(ledger, { ...one, destination: 'ads' }, remembering);
  await putRow(ledger, { ...two, destination: 'ads' }, untoldRowOf(exitedAt(-60)));
  const { unreadable: other } = await ledger.spoil({ ...two, destination: 'ads' });
  const told = await fill({ ...walk, destination: 'ads', source: 'crm', audience: 'sports-fans' }, { signal });
  expect(told).toMatchObject({
    delivered: 1,
    leftAlone: 0,
    unreadable: { rows: 2, names: [...unreadable.names, other] },
  });
  expect(ads.story).toEqual(['entered sports-fans p3']);
});

test('whose former row another process writes meanwhile is left alone, and is not one that cannot be read', async () => {
  const { walk, ads, ledger, unreadable } = await open();
  const remembering = untoldRowOf(exitedAt(-60), { formerOf: [{ ...two.identity, linkDigest: 'd' }] });
  await putRow(ledger, { ...one, destination: 'ads' }, remembering);
  const formerly = { ...two, destination: 'ads' };
  await putRow(ledger, formerly, untoldRowOf(exitedAt(-60)));
  const write = ledger.write.bind(ledger);
  ledger.write = async (writes, of) => {
    ledger.write = write;
    await putRow(ledger.under, formerly, untoldRowOf(exitedAt(-30)));
    return await write(writes, of);
  };
  const told = await fill({ ...walk, destination: 'ads', source: 'crm', audience: 'sports-fans' }, { signal });
  expect(told).toMatchObject({ delivered: 1, leftAlone: 1, unreadable });
  expect(ads.story).toEqual(['entered sports-fans p3']);
});

test('memberships are renewed beside a row that cannot be read, in the walk and afterwards', async () => {
  const { walk, crm, ledger, unreadable, clock } = await open('live', { membershipDays: 100 });
  clock.nowMs += 95 * 86_400_000;
  const read = ledger.read.bind(ledger);
  const late: string[] = [];
  ledger.read = async (keys, of) => {
    ledger.read = read;
    late.push((await ledger.spoil(three)).unreadable);
    return await read(keys, of);
  };
  const renewed = await renew(walk, { untilMs: Infinity, signal });
  expect(renewed).toMatchObject({
    delivered: 1,
    left: 0,
    unreadable: { rows: 2, names: [...unreadable.names, ...late] },
  });
  expect(crm.story).toEqual(['entered sports-fans p1']);
});
