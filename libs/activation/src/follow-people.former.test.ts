import { DestinationError } from '@activation-hub/destination-kit';
import { exampleRetry } from '@activation-hub/delivery/testing';
import { lease, ledgerKeyText, linkKey, linkOf, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();

function open(route: string) {
  const ledger = new DisturbedLedger();
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, ${route} }] }
`;
  const opened = openActivation({ ledger, file });
  const record = async (key: LedgerKey): Promise<LedgerRecord | undefined> =>
    (await ledger.read([key], signal))[0]?.record;
  const members = () => [...opened.crm.members.keys()].map((member) => member.replace('sports-fans ', '')).toSorted();
  return { ...opened, ledger, record, members };
}

const keyOf = (namespace: string, value: string): LedgerKey => ({ ...fansKey(), identity: { namespace, value } });
const ofLink = linkKey(fansKey(), { namespace: 'ecid', value: 'e1' });
const [oldKey, newKey] = [keyOf('email', 'old@example.com'), keyOf('email', 'new@example.com')];
const known = (email: string, at: number) =>
  eventOf(personExport({ at, identities: { ecid: ['e1'], email: [`${email}@example.com`] } }), at);
const following = 'identity: email, follow: ecid';
const notReached = new DestinationError('transient', 'Not reached.');

test('a person who was never known otherwise has a link that names no identity as leaving, and the reads are counted', async () => {
  const { activate, record, counter, lines } = open('identity: [crmid, email], follow: ecid');
  await activate(eventOf(personExport({ identities: { ecid: ['e1'], crmid: ['c1'], email: ['a@example.com'] } }), 1));
  const link = await record(ofLink);
  if (link === undefined) throw new Error('There is no link.');
  expect(linkOf(link)).toEqual({ identities: [keyOf('crmid', 'c1').identity], leaving: [] });
  expect(await record(keyOf('email', 'a@example.com'))).toMatchObject({ rowState: { is: 'noted' } });
  // The row; then the link, and the rows under both identities.
  expect(counter('ledger-reads')).toBe(4);
  expect(lines.at(-1)).toContain('"formerIdentities":0');
});

test('who leaves under a former identity is counted besides, and leaves nothing of the content behind', async () => {
  const { activate, record, lines } = open(following);
  await activate(known('old', 0));
  await activate(known('new', 60));
  expect(await record(oldKey)).toMatchObject({ known: { isMember: false, content: '' }, attributes: {} });
  expect(lines.at(-1)).toContain('"formerIdentities":1');
});

test('an exit that the destination does not take keeps the former identity in the link, and the person is known all the same', async () => {
  const { activate, crm, record } = open(following);
  await activate(known('old', 0));
  crm.onRequest = (changes) => {
    if (changes.some(({ kind }) => kind === 'exited')) throw notReached;
  };
  await activate(known('new', 60));
  const link = await record(ofLink);
  if (link === undefined) throw new Error('There is no link.');
  expect(linkOf(link)).toEqual({ identities: [newKey.identity], leaving: [oldKey.identity] });
  expect((await record(newKey))?.linkDigest).toBe(link.linkDigest);
});

test('a former identity that another process writes at the same moment is looked at again, and leaves', async () => {
  const { activate, ledger, members } = open(following);
  await activate(known('old', 0));
  let isFirst = true;
  ledger.beforeWrite = async (_, writes) => {
    const write = writes.find(({ key }) => ledgerKeyText(key) === ledgerKeyText(oldKey));
    const [row] = await ledger.read([oldKey], signal);
    if (!isFirst || write === undefined || row === undefined) return;
    isFirst = false;
    await ledger.overwrite(oldKey, { ...row.record, inDoubt: true });
  };
  await activate(known('new', 60));
  expect(isFirst).toBe(false);
  expect(members()).toEqual(['new@example.com']);
});

test('a person whose link others keep writing is left to a retry after some rounds', async () => {
  const { activate, ledger, retryQueue } = open(following);
  await activate(known('old', 0));
  const link = ledgerKeyText(ofLink);
  let writes = 0;
  ledger.beforeWrite = async (_, written) => {
    if (!written.some(({ key }) => ledgerKeyText(key) === link)) return;
    writes += 1;
    const [row] = await ledger.read([ofLink], signal);
    if (row !== undefined) await ledger.overwrite(ofLink, row.record);
  };
  await activate(known('new', 60));
  expect(writes).toBeGreaterThan(1);
  const waiting = await Array.fromAsync(retryQueue.waiting(signal));
  expect(waiting).toMatchObject([{ events: [{ event: { sequenceNumber: 60 }, rows: [newKey] }] }]);
});

test('a person whose former identity others keep writing is left to a retry, which takes them out under it', async () => {
  const { activate, ledger, record, members, clock, retryDue } = open(following);
  await activate(known('old', 0));
  ledger.beforeWrite = async (_, written) => {
    if (!written.some(({ key }) => ledgerKeyText(key) === ledgerKeyText(oldKey))) return;
    const row = await record(oldKey);
    if (row !== undefined) await ledger.overwrite(oldKey, row);
  };
  await activate(known('new', 60));
  // Nothing says that no process need look at the person.
  expect((await record(newKey))?.linkDigest).toBeUndefined();
  ledger.beforeWrite = () => undefined;
  clock.nowMs += 60_000;
  await retryDue();
  expect(members()).toEqual(['new@example.com']);
  expect((await record(newKey))?.linkDigest).toBeDefined();
});

test.each([
  ['a link', following, [{ email: ['a@example.com'] }, { email: ['b@example.com'] }]],
  [
    'another identity',
    'identity: [crmid, email]',
    [
      { crmid: ['c1'], email: ['a@example.com'] },
      { crmid: ['c2'], email: ['a@example.com'] },
    ],
  ],
])('of exports of one batch that share %s no call writes a row twice', async (_, route, people) => {
  const { activate, ledger } = open(route);
  const calls: number[] = [];
  ledger.beforeWrite = (_n, writes) => {
    calls.push(writes.length - new Set(writes.map(({ key }) => ledgerKeyText(key))).size);
  };
  await activate(
    ...people.map((identities, n) => eventOf(personExport({ at: n, identities: { ecid: ['e1'], ...identities } }), n)),
  );
  expect(calls.length).toBeGreaterThan(1);
  expect(calls.filter((twice) => twice > 0)).toEqual([]);
});

test('an exit under a former identity has the name of its audience that the export carries', async () => {
  const { activate, crm } = open(following);
  const event = (email: string, at: number) => {
    const memberships = [{ audienceId: fansId, qualifiedAtMs: noonMs + at, name: 'Fans of Sport' }];
    const identities = { ecid: ['e1'], email: [email] };
    return eventOf({}, at, {
      body: encodeProfileExport(buildProfileExport({ memberships, identities, includeNames: true })),
    });
  };
  await activate(event('old@example.com', 0));
  await activate(event('new@example.com', 60));
  expect(crm.told.map(({ audience }) => audience.name)).toEqual(['Fans of Sport', 'Fans of Sport', 'Fans of Sport']);
});

test('a replay sends the exit of a former identity again that was rejected, and an export does not', async () => {
  const { activate, crm, retryQueue, retryDue, clock, members } = open(following);
  await activate(known('old', 0));
  crm.answer = ({ id, kind }) =>
    kind === 'exited' ? { id, status: 'rejected', reason: 'locked' } : { id, status: 'delivered' };
  const event = known('new', 60);
  await activate(event);
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await activate(known('new', 60));
  expect(members()).toEqual(['new@example.com', 'old@example.com']);
  const events = [{ event, audiences: ['sports-fans'], rows: [] }];
  await retryQueue.put(exampleRetry({ isReplay: true, events, firstDeferredAtMs: clock.nowMs }), clock.nowMs, signal);
  await retryDue();
  expect(members()).toEqual(['new@example.com']);
});

test('an export without an identity waits for the lease of another process under no identity', async () => {
  const { activate, ledger, record, retryQueue, clock } = open(following);
  await activate(known('old', 0));
  const row = await record(oldKey);
  if (row === undefined) throw new Error('There is no row.');
  const by = { holder: 'another worker', expiresAtMs: clock.nowMs + 60_000 };
  await ledger.overwrite(oldKey, lease(row, { state: row.known, attributes: row.attributes }, by));
  await activate(eventOf(personExport({ at: 60, identities: { ecid: ['e1'] } }), 60));
  const waiting = await Array.fromAsync(retryQueue.waiting(signal));
  expect(waiting).toMatchObject([{ events: [{ rows: [keyOf('', '')] }] }]);
});

test('the row of a former identity that only a link names remembers no person, for no digest hides it', async () => {
  const { activate, record } = open(following);
  await activate(known('old', 0));
  await activate(known('new', 60));
  expect((await record(oldKey))?.formerOf ?? []).toEqual([]);
});

test('an address that two exports share is out as of what a link knows of the older one, where that is newer', async () => {
  const { activate, record } = open('identity: [crmid, email], follow: ecid');
  const personWith = (ecid: string, identities: Readonly<Record<string, readonly string[]>>, at: number) =>
    eventOf(personExport({ at, identities: { ecid: [ecid], ...identities } }), at);
  await activate(personWith('e1', { crmid: ['c1'] }, 120));
  const shared = { email: ['old@example.com'] };
  await activate(personWith('e1', { crmid: ['c1'], ...shared }, 0), personWith('e2', { crmid: ['c2'], ...shared }, 60));
  expect((await record(oldKey))?.known).toMatchObject({ isMember: false, qualifiedAtMs: noonMs + 120_000 });
});
