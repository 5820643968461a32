import { DestinationError } from '@activation-hub/destination-kit';
import { InMemoryLedger } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  openActivation,
  personExport,
  RecordingDestination,
} from '../testing/index.ts';
import { fillLinks } from './fill-rows.ts';
import { countFill, fill } from './tell-ledger.ts';

const { signal } = new AbortController();
const route = (destination: string): string =>
  `{ destination: ${destination}, identity: [crmid, email], follow: ecid, attributes: { firstname: person.name.firstName } }`;
const fileOf = (...destinations: readonly string[]): string => `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [${destinations.map(route).join(', ')}]
`;

/** A hub before its file has a route to `ads`, and after; what is in the ledger stays. */
function openBoth() {
  const ledger = new InMemoryLedger();
  const destinations = { crm: new RecordingDestination(), ads: new RecordingDestination() };
  const before = openActivation({ file: fileOf('crm'), ledger, destinations });
  const after = openActivation({ file: fileOf('crm', 'ads'), ledger, destinations });
  const walk = { context: after.context, destination: 'ads', source: 'crm', audience: 'sports-fans' };
  return { before, after, ads: destinations.ads, walk };
}

const ecid = '14575006536349286404619648085736425115';
const member = (email: string, at = 0) => personExport({ identities: { ecid: [ecid], email: [email] }, at });

test('who was filled in is taken out under an identity that vanishes afterwards', async () => {
  const { before, after, ads, walk } = openBoth();
  await before.activate(eventOf(member('ada@example.com'), 1));
  await fill(walk, { signal });
  expect([...ads.members.keys()]).toEqual(['sports-fans ada@example.com']);
  await after.activate(eventOf(member('lovelace@example.com'), 2));
  expect([...ads.members.keys()]).toEqual(['sports-fans lovelace@example.com']);
});

test('a filling says that it is to be run again while the source still waits for a person', async () => {
  const { before, after, ads, walk } = openBoth();
  const { clock, retryQueue, retryDue } = before;
  await before.activate(eventOf(member('ada@example.com'), 1));
  before.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  // The new identity waits, and the former one is still there.
  await before.activate(eventOf(member('lovelace@example.com', 60), 2));
  expect(await fill(walk, { signal })).toMatchObject({ rows: 2, delivered: 2, leftAlone: 1 });
  before.crm.onRequest = () => undefined;
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  after.clock.nowMs = clock.nowMs;
  expect(await fill(walk, { signal })).toMatchObject({ rows: 1, delivered: 1, leftAlone: 0 });
  expect([...ads.members.keys()]).toEqual(['sports-fans lovelace@example.com']);
});

test.each([
  ['of which the new route accepts none', 'crmid', { crmid: ['C-2'], email: ['ada@example.com'] }],
  ['of which it was never told', 'email', { email: ['grace@example.com'] }],
])(
  'the links of the source, with identities %s, make the new route forget no person',
  async (_, identity, meanwhile) => {
    const { ledger, destinations } = {
      ledger: new InMemoryLedger(),
      destinations: { crm: new RecordingDestination(), ads: new RecordingDestination() },
    };
    const crmRoute = `{ destination: crm, identity: ${identity}, follow: ecid }`;
    const fileWith = (routes: string): string => fileOf('crm').replace(route('crm'), routes);
    const before = openActivation({ file: fileWith(crmRoute), ledger, destinations });
    const after = openActivation({
      file: fileWith(`${crmRoute}, { destination: ads, identity: email, follow: ecid }`),
      ledger,
      destinations,
    });
    const exportOf = (identities: Readonly<Record<string, readonly string[]>>, at: number, number: number) =>
      eventOf(personExport({ identities: { ecid: [ecid], ...identities }, at }), number);
    await after.activate(exportOf({ crmid: ['C-1'], email: ['ada@example.com'] }, 0, 1));
    await before.activate(exportOf(meanwhile, 60, 2));
    // Only the links: what a filling that was stopped has done.
    await fillLinks({ context: after.context, destination: 'ads', source: 'crm', audience: 'sports-fans' }, signal);
    await after.activate(exportOf({ crmid: ['C-2'], email: ['lovelace@example.com'] }, 120, 3));
    expect([...destinations.ads.members.keys()]).toEqual(['sports-fans lovelace@example.com']);
  },
);

test('an older state that came before the filling does not keep the newest from being filled in', async () => {
  const { before, after, ads, walk } = openBoth();
  await before.activate(eventOf(personExport({ at: 60, firstName: 'Ada' }), 1));
  await after.activate(eventOf(personExport({ at: 0, status: 'exited' }), 2));
  expect(ads.members.size).toBe(0);
  expect(await countFill(walk, signal)).toMatchObject({ rows: 1, unresolved: 0 });
  expect(await fill(walk, { signal })).toMatchObject({ rows: 1, delivered: 1 });
  expect([...ads.members].map(([key, { attributes }]) => [key, attributes])).toEqual([
    ['sports-fans p1', { firstname: 'Ada' }],
  ]);
  expect(await fill(walk, { signal })).toMatchObject({ rows: 0 });
});

test('what the new route knows better is left alone by the filling', async () => {
  const { before, after, ads, walk } = openBoth();
  await before.activate(eventOf(personExport({ at: 0, firstName: 'Ada' }), 1));
  await after.activate(eventOf(personExport({ at: 60, status: 'exited' }), 2));
  await fill(walk, { signal });
  expect(ads.members.size).toBe(0);
  expect(ads.told).toEqual([]);
});

test('an identity of before, of which the new route was told by an export that came late, is taken out by the filling', async () => {
  const { before, after, ads, walk } = openBoth();
  await before.activate(eventOf(member('ada@example.com', 0), 1));
  await before.activate(eventOf(member('lovelace@example.com', 60), 2));
  await after.activate(eventOf(member('ada@example.com', 0), 3));
  expect([...ads.members.keys()]).toEqual(['sports-fans ada@example.com']);
  await fill(walk, { signal });
  expect([...ads.members.keys()]).toEqual(['sports-fans lovelace@example.com']);
});

test('a second filling does not forget an identity under which the first one told the new route of a person', async () => {
  const { before, after, ads, walk } = openBoth();
  await before.activate(eventOf(member('ada@example.com'), 1));
  await fill(walk, { signal });
  // The source is told of the newest export first, and the new route after the second filling.
  const newest = eventOf(member('lovelace@example.com', 60), 2);
  await before.activate(newest);
  await fillLinks(walk, signal);
  await after.activate(newest);
  expect([...ads.members.keys()]).toEqual(['sports-fans lovelace@example.com']);
});

test('who has left at the source does not enter the new route by an older entry that comes after the filling', async () => {
  const { before, after, ads, walk } = openBoth();
  await before.activate(eventOf(personExport({ at: 60, status: 'exited' }), 1));
  expect(await countFill(walk, signal)).toMatchObject({ rows: 0 });
  expect(await fill(walk, { signal })).toMatchObject({ rows: 0, delivered: 0, unchanged: 0, leftAlone: 0 });
  await after.activate(eventOf(personExport({ at: 0 }), 2));
  expect(ads.told).toEqual([]);
});

test('a filling that makes a former identity a member again takes the digest from rows of people who are known otherwise', async () => {
  const fileWith = (...to: readonly string[]): string => fileOf(...to).replaceAll(', follow: ecid', '');
  const ledger = new InMemoryLedger();
  const destinations = { crm: new RecordingDestination(), ads: new RecordingDestination() };
  const source = openActivation({ file: fileWith('crm'), ledger, destinations });
  const filled = openActivation({ file: fileWith('ads'), ledger, destinations });
  const both = { crmid: ['C-1'], email: ['ada@example.com'] };
  await filled.activate(eventOf(personExport({ identities: both }), 1));
  await source.activate(eventOf(personExport({ identities: { email: ['ada@example.com'] }, at: 60 }), 2));
  const { context } = openActivation({ file: fileWith('crm', 'ads'), ledger, destinations });
  const walk = { context, destination: 'ads', source: 'crm', audience: 'sports-fans' };
  expect(await fill(walk, { signal })).toMatchObject({ rows: 1, delivered: 1 });
  expect([...destinations.ads.members.keys()]).toHaveLength(2);
  const after = openActivation({ file: fileWith('ads'), ledger, destinations });
  await after.activate(eventOf(personExport({ identities: both, at: 120 }), 3));
  expect([...destinations.ads.members.keys()]).toEqual(['sports-fans C-1']);
});

test('a filling leaves a row alone while another process writes the one that it remembers', async () => {
  const fileWith = (...to: readonly string[]): string => fileOf(...to).replaceAll(', follow: ecid', '');
  const ledger = new DisturbedLedger();
  const destinations = { crm: new RecordingDestination(), ads: new RecordingDestination() };
  const filled = openActivation({ file: fileWith('ads'), ledger, destinations });
  const source = openActivation({ file: fileWith('crm'), ledger, destinations });
  const both = { crmid: ['C-1'], email: ['ada@example.com'] };
  await filled.activate(eventOf(personExport({ identities: both }), 1));
  await source.activate(eventOf(personExport({ identities: { email: ['ada@example.com'] }, at: 60 }), 2));
  const { context } = openActivation({ file: fileWith('crm', 'ads'), ledger, destinations });
  const walk = { context, destination: 'ads', source: 'crm', audience: 'sports-fans' };
  ledger.beforeWrite = async (_, [write]) => {
    ledger.beforeWrite = () => undefined;
    const [row] = write === undefined ? [] : await ledger.read([write.key], signal);
    if (write !== undefined && row !== undefined) await ledger.overwrite(write.key, row.record);
  };
  expect(await fill(walk, { signal })).toMatchObject({ rows: 1, delivered: 0, leftAlone: 1 });
  expect(await fill(walk, { signal })).toMatchObject({ rows: 1, delivered: 1, leftAlone: 0 });
});
