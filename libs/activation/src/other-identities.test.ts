import { DestinationError } from '@activation-hub/destination-kit';
import { formerOfCharactersMax, type LedgerKey, type LedgerRow } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();
const expectAfterKeys = 3;

const fileWith = (follow: string): string => `
version: 1
destinations:
  crm: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid, email]${follow} }
`;

/** A worker that expects people to be new, because the last ones were. */
async function open(follow = '') {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger, file: fileWith(follow), cache: { expectAfterKeys } });
  let sequenceNumber = 0;
  const exportOf = (identities: Readonly<Record<string, readonly string[]>>) =>
    eventOf(personExport({ identities }), (sequenceNumber += 1));
  for (let n = 0; n < expectAfterKeys; n += 1) await opened.activate(exportOf({ crmid: [`new-${n}`] }));
  opened.crm.told.length = 0;
  const asks: string[] = [];
  ledger.beforeRead = () => void asks.push('read');
  ledger.beforeWrite = (_, writes) =>
    void asks.push(...writes.map(({ key, record }) => `${record.rowState.is} ${key.identity.value}`));
  const row = async (namespace: string, value: string): Promise<LedgerRow | undefined> => {
    const key: LedgerKey = { ...fansKey(), identity: { namespace, value } };
    return (await ledger.read([key], signal))[0];
  };
  return { ...opened, exportOf, asks, row };
}

const told = ({ crm }: Awaited<ReturnType<typeof open>>) =>
  crm.told.map(({ kind, identity }) => `${kind} ${identity.value}`);

test('the other identity of a new person is noted beside the lease, and the row is settled with the digest', async () => {
  const opened = await open();
  const { activate, exportOf, asks, row } = opened;
  const identities = { crmid: ['p1'], email: ['a@example.com'] };
  await activate(exportOf(identities));
  expect(asks).toEqual(['leased p1', 'noted a@example.com', 'delivered p1']);
  asks.length = 0;
  await activate(exportOf(identities));
  expect(asks).toEqual([]);
  expect(told(opened)).toEqual(['entered p1']);
  const { linkDigest, knownDigest } = (await row('crmid', 'p1'))?.record ?? {};
  expect([linkDigest?.length, knownDigest]).toEqual([16, undefined]);
  expect((await row('email', 'a@example.com'))?.record.known).toMatchObject({ isMember: false, content: '' });
});

test('the row of a new person with a single identity has no digest', async () => {
  const { activate, exportOf, asks, row } = await open();
  await activate(exportOf({ crmid: ['p1'] }));
  expect(asks).toEqual(['leased p1', 'delivered p1']);
  expect((await row('crmid', 'p1'))?.record).not.toHaveProperty('linkDigest');
});

test('a new person whose identity no other row has room for is looked at after the telling', async () => {
  const { activate, exportOf, asks } = await open();
  const long = 'x'.repeat(formerOfCharactersMax);
  await activate(exportOf({ crmid: [long], email: ['a@example.com'] }));
  expect(asks.slice(0, 3)).toEqual([`leased ${long}`, `delivered ${long}`, 'read']);
});

test('new people with several identities let the next ones be taken for new', async () => {
  const { activate, exportOf, asks } = await open();
  for (let n = 0; n < 2 * expectAfterKeys; n += 1)
    await activate(exportOf({ crmid: [`p${n}`], email: [`${n}@example.com`] }));
  expect(asks).not.toContain('read');
});

test('an identity is noted once, also when the row of another person is decided again', async () => {
  const { activate, exportOf, asks, context } = await open();
  const other = openActivation({ ledger: context.ledger, file: fileWith('') });
  await other.activate(eventOf(personExport({ identities: { crmid: ['p2'] } }), 1));
  asks.length = 0;
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'] }), exportOf({ crmid: ['p2'] }));
  expect(asks).toEqual(['leased p1', 'leased p2', 'noted a@example.com', 'read', 'delivered p1']);
});

test('a person whom the destination knows under the other identity after all is taken out under it', async () => {
  const opened = await open();
  const { activate, exportOf, asks } = opened;
  const other = openActivation({ ledger: opened.context.ledger, file: fileWith(''), destinations: opened });
  await other.activate(eventOf(personExport({ identities: { email: ['a@example.com'] } }), 1));
  asks.length = 0;
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'] }));
  expect(asks.slice(0, 3)).toEqual(['leased p1', 'noted a@example.com', 'delivered p1']);
  expect(told(opened)).toEqual(['entered a@example.com', 'entered p1', 'exited a@example.com']);
});

test('a person whose entry is deferred is looked at again by the retry', async () => {
  const opened = await open();
  const { activate, exportOf, crm, row, retryDue, clock } = opened;
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not now.');
  };
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'] }));
  expect((await row('crmid', 'p1'))?.record).toMatchObject({ rowState: { is: 'deferred' } });
  expect((await row('crmid', 'p1'))?.record.linkDigest).toBeUndefined();
  crm.onRequest = () => undefined;
  clock.nowMs += 3_600_000;
  await retryDue();
  expect((await row('crmid', 'p1'))?.record.linkDigest).toHaveLength(16);
  expect(told(opened).at(-1)).toBe('entered p1');
});

test('of two new people of a batch with one other identity in common the second is looked at after the telling', async () => {
  const opened = await open();
  const { activate, exportOf, asks } = opened;
  const email = ['a@example.com'];
  await activate(exportOf({ crmid: ['p1'], email }), exportOf({ crmid: ['p2'], email }));
  expect(asks.filter((ask) => ask !== 'read')).toEqual([
    'leased p1',
    'leased p2',
    'noted a@example.com',
    'delivered p1',
    'delivered p2',
    'noted a@example.com',
    'delivered p2',
  ]);
  expect(told(opened)).toEqual(['entered p1', 'entered p2']);
});

test('a person of whom the batch has a membership under the other identity is looked at after the telling', async () => {
  const opened = await open();
  const { activate, exportOf } = opened;
  const email = ['a@example.com'];
  await activate(exportOf({ email }), exportOf({ crmid: ['p1'], email }));
  expect(told(opened)).toEqual(['entered a@example.com', 'entered p1', 'exited a@example.com']);
});

test('a person of whom the cache knows the other identity is looked at after the telling, and no write is tried', async () => {
  const opened = await open();
  const { activate, exportOf, asks } = opened;
  await activate(exportOf({ email: ['a@example.com'] }));
  asks.length = 0;
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'] }));
  expect(asks.slice(0, 3)).toEqual(['leased p1', 'delivered p1', 'read']);
  expect(told(opened)).toEqual(['entered a@example.com', 'entered p1', 'exited a@example.com']);
});

test('a person who leaves is looked at after that, known or not, and no identity is noted beside it', async () => {
  const { activate, asks } = await open();
  const next = expectAfterKeys + 1;
  const email = ['a@example.com'];
  const exit = (crmid: string) => personExport({ identities: { crmid: [crmid], email }, status: 'exited', at: 60 });
  await activate(eventOf(exit('p0'), next));
  expect(asks.slice(0, 2)).toEqual(['noted p0', 'read']);
  asks.length = 0;
  await activate(eventOf(exit('new-0'), next + 1));
  expect(asks.slice(0, 3)).toEqual(['leased new-0', 'delivered new-0', 'read']);
});

test('a person whom a route follows by a link is looked at after the telling', async () => {
  const { activate, exportOf, asks } = await open(', follow: ecid');
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'], ecid: ['e1'] }));
  expect(asks.slice(0, 3)).toEqual(['leased p1', 'delivered p1', 'read']);
});

test('a worker that finds rows under other identities reads again', async () => {
  const { activate, exportOf, asks, context } = await open();
  const other = openActivation({ ledger: context.ledger, file: fileWith('') });
  for (let n = 0; n < 4; n += 1) {
    const email = [`${n}@example.com`];
    await other.activate(eventOf(personExport({ identities: { email } }), n));
    await activate(exportOf({ crmid: [`p${n}`], email }));
  }
  asks.length = 0;
  await activate(exportOf({ crmid: ['p9'] }));
  expect(asks[0]).toBe('read');
});
