import { ledgerKeyText, linkKey } from '@activation-hub/membership';
import { expect, test, vi } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  type PersonContent,
  type TestActivation,
} from '../testing/index.ts';

const expectAfterKeys = 3;
const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email], follow: ecid }] }
`;

/** Exports one after the other, as a partition has them. */
function partition() {
  let sequenceNumber = 0;
  return (identities: Readonly<Record<string, readonly string[]>>, content: PersonContent = {}) => {
    sequenceNumber += 1;
    return eventOf(personExport({ ...content, identities }), sequenceNumber);
  };
}

/** A worker that expects people to be new and to have no link, because the last ones had none. */
async function open() {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger, file, cache: { expectAfterKeys } });
  const exportOf = partition();
  for (let n = 0; n < expectAfterKeys; n += 1)
    await opened.activate(exportOf({ crmid: [`new-${n}`], ecid: [`new-${n}`] }));
  opened.crm.told.length = 0;
  opened.crm.members.clear();
  const asks: string[] = [];
  ledger.beforeRead = (_, keys) => void asks.push(...keys.map(({ identity }) => `read ${identity.value}`));
  ledger.beforeWrite = (_, writes) =>
    void asks.push(...writes.map(({ key, record }) => `${record.rowState.is} ${key.identity.value}`));
  /** Another worker, with what it tells the same destination. */
  const other = openActivation({ ledger, file, destinations: opened });
  return { ...opened, exportOf, other, otherExportOf: partition(), asks };
}

const story = ({ crm }: TestActivation) => crm.told.map(({ kind, identity }) => `${kind} ${identity.value}`);
const members = ({ crm }: TestActivation) =>
  [...crm.members.keys()].map((key) => key.replace('sports-fans ', '')).toSorted();

test('a new person with a single identity is followed without a read', async () => {
  const { activate, exportOf, asks, counter, context } = await open();
  const reads = counter('ledger-reads');
  const read = vi.spyOn(context.ledger, 'read');
  await activate(exportOf({ crmid: ['p1'], ecid: ['e1'] }));
  expect(asks).toEqual(['leased p1', 'delivered p1', 'noted e1', 'delivered p1']);
  expect(read).not.toHaveBeenCalled();
  expect(counter('ledger-reads')).toBe(reads);
  asks.length = 0;
  await activate(exportOf({ crmid: ['p1'], ecid: ['e1'] }));
  expect(asks).toEqual([]);
});

test('of a new person with a second identity the row under that one alone is read', async () => {
  const { activate, exportOf, asks } = await open();
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'], ecid: ['e1'] }));
  expect(asks).toEqual([
    'leased p1',
    'delivered p1',
    'read a@example.com',
    'noted a@example.com',
    'noted e1',
    'delivered p1',
  ]);
});

test('a person whom the route knows under no identity is linked to none without a read', async () => {
  const { activate, exportOf, asks } = await open();
  await activate(exportOf({ ecid: ['e1'] }));
  expect(asks).toEqual(['noted e1']);
});

test('a person whom another worker knew under an identity that has vanished leaves under that', async () => {
  const opened = await open();
  await opened.other.activate(opened.otherExportOf({ crmid: ['before'], ecid: ['e1'] }));
  opened.asks.length = 0;
  await opened.activate(opened.exportOf({ crmid: ['p1'], ecid: ['e1'] }, { at: 60 }));
  expect(story(opened)).toEqual(['entered before', 'entered p1', 'exited before']);
  expect(members(opened)).toEqual(['p1']);
  expect(opened.asks.slice(0, 5)).toEqual(['leased p1', 'delivered p1', 'noted e1', 'read e1', 'read p1']);
});

test('an older export that comes late leaves the person under the identity of the newer one', async () => {
  const opened = await open();
  const late = opened.exportOf({ crmid: ['p1'], ecid: ['e1'] });
  await opened.other.activate(opened.otherExportOf({ crmid: ['newer'], ecid: ['e1'] }, { at: 60 }));
  await opened.activate(late);
  expect(members(opened)).toEqual(['newer']);
});

test('where there is a row under another identity the link is read before anything is told', async () => {
  const opened = await open();
  await opened.other.activate(opened.otherExportOf({ email: ['a@example.com'], ecid: ['e1'] }));
  opened.asks.length = 0;
  await opened.activate(opened.exportOf({ crmid: ['p1'], email: ['a@example.com'], ecid: ['e1'] }, { at: 60 }));
  expect(members(opened)).toEqual(['p1']);
  expect(opened.asks.slice(0, 6)).toEqual([
    'leased p1',
    'delivered p1',
    'read a@example.com',
    'read e1',
    'read p1',
    'read a@example.com',
  ]);
});

test('links that are there after all are read again from then on', async () => {
  const opened = await open();
  for (let n = 0; n < 2 * expectAfterKeys; n += 1) {
    await opened.other.activate(opened.otherExportOf({ crmid: [`before-${n}`], ecid: [`e${n}`] }));
    await opened.activate(opened.exportOf({ crmid: [`p${n}`], ecid: [`e${n}`] }, { at: 60 }));
  }
  opened.asks.length = 0;
  await opened.activate(opened.exportOf({ crmid: ['last'], ecid: ['last'] }, { at: 60 }));
  expect(opened.asks).toContain('read last');
});

test('of two exports of one person in a batch the link is read where the newer one comes back', async () => {
  const opened = await open();
  await opened.activate(
    opened.exportOf({ crmid: ['p1'], ecid: ['e1'] }),
    opened.exportOf({ email: ['a@example.com'], ecid: ['e1'] }, { at: 60 }),
  );
  expect(members(opened)).toEqual(['a@example.com']);
});

test('a worker that expects nothing yet reads the links of people who enter', async () => {
  const opened = await open();
  const restarted = openActivation({ ledger: opened.other.context.ledger, file, destinations: opened });
  opened.asks.length = 0;
  await restarted.activate(opened.exportOf({ crmid: ['p1'], ecid: ['e1'] }));
  expect(opened.asks).toContain('read e1');
});

test('where a row under one of several other identities is found the link is read', async () => {
  const opened = await open();
  await opened.other.activate(opened.otherExportOf({ email: ['b@example.com'], ecid: ['e1'] }));
  opened.asks.length = 0;
  await opened.activate(
    opened.exportOf({ crmid: ['p1'], email: ['a@example.com', 'b@example.com'], ecid: ['e1'] }, { at: 60 }),
  );
  expect(opened.asks).toContain('read e1');
  expect(members(opened)).toEqual(['p1']);
});

test('where another person of the batch has an identity of the export the link is read', async () => {
  const opened = await open();
  await opened.activate(
    opened.exportOf({ crmid: ['p1'], email: ['a@example.com'], ecid: ['e1'] }),
    opened.exportOf({ email: ['a@example.com'], ecid: ['e2'] }, { at: 60 }),
  );
  expect(opened.asks).toContain('read e1');
  expect(members(opened)).toEqual(['a@example.com', 'p1']);
});

test('the link of a person of whom the cache knows one is read before it is written', async () => {
  const opened = await open();
  const identities = { crmid: ['p1'], ecid: ['e1'] };
  await opened.activate(opened.exportOf(identities));
  opened.asks.length = 0;
  await opened.activate(opened.exportOf({ ...identities, crmid: ['p2'] }, { at: 60 }));
  expect(opened.asks.filter((ask) => ask.endsWith(' e1'))).toEqual(['read e1', 'noted e1']);
  opened.asks.length = 0;
  await opened.activate(opened.exportOf({ crmid: ['p2'], ecid: ['e1', 'e2'] }, { at: 120 }));
  expect(opened.asks.filter((ask) => / e[12]$/.test(ask))).toEqual(['read e1', 'read e2', 'noted e1', 'noted e2']);
});

test('a retry reads the links, also where most of them were not there', async () => {
  const opened = await open();
  opened.crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'Not now.' });
  await opened.activate(opened.exportOf({ crmid: ['p1'], ecid: ['e1'] }));
  opened.crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const link = linkKey(fansKey('p1'), { namespace: 'ecid', value: 'e1' });
  opened.context.ledgerCache.delete(ledgerKeyText(link));
  expect(opened.context.ledgerCache.expectsNoRow(link.destination)).toBe(true);
  opened.asks.length = 0;
  opened.clock.nowMs = opened.retryQueue.nextDueAtMs ?? NaN;
  await opened.retryDue();
  expect(opened.asks.filter((ask) => ask.endsWith(' e1'))).toEqual(['read e1', 'noted e1']);
});

test('on a route without links the rows of a person are read together', async () => {
  const { exportOf, asks, context } = await open();
  const { activate } = openActivation({ ledger: context.ledger, file: file.replace(', follow: ecid', '') });
  asks.length = 0;
  await activate(exportOf({ crmid: ['p1'], email: ['a@example.com'] }));
  expect(asks.slice(0, 5)).toEqual(['read p1', 'leased p1', 'delivered p1', 'read p1', 'read a@example.com']);
});

test('a link of which the cache knows nothing counts once, when it is looked for', async () => {
  const opened = await open();
  const { context, activate, exportOf, other, otherExportOf } = opened;
  const counted = vi.spyOn(context.ledgerCache, 'countLookedFor');
  const links = (): readonly unknown[] => {
    const calls = counted.mock.calls.filter(([destination]) => destination === 'crm~link');
    counted.mockClear();
    return calls.map(([, isFound]) => isFound);
  };
  // Its write finds out that there is none, or that there is one.
  await activate(exportOf({ crmid: ['p1'], ecid: ['e1'] }));
  expect(links()).toEqual([false]);
  await other.activate(otherExportOf({ crmid: ['before'], ecid: ['e2'] }));
  await activate(exportOf({ crmid: ['p2'], ecid: ['e2'] }, { at: 60 }));
  expect(links()).toEqual([true]);
  // The cache knows it.
  await activate(exportOf({ crmid: ['p3'], ecid: ['e1'] }, { at: 60 }));
  expect(links()).toEqual([]);
  // It is read, for there is a row under another identity.
  await other.activate(otherExportOf({ email: ['a@example.com'], ecid: ['e3'] }));
  await other.activate(otherExportOf({ email: ['b@example.com'] }));
  await activate(exportOf({ crmid: ['p4'], email: ['a@example.com'], ecid: ['e3'] }, { at: 60 }));
  expect(links()).toEqual([true]);
  await activate(exportOf({ crmid: ['p5'], email: ['b@example.com'], ecid: ['e4'] }, { at: 60 }));
  expect(links()).toEqual([false]);
});

test('a look that waits counts no link', async () => {
  const opened = await open();
  const counted = vi.spyOn(opened.context.ledgerCache, 'countLookedFor');
  opened.crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'Not now.' });
  await opened.activate(opened.exportOf({ crmid: ['p1'], email: ['a@example.com'], ecid: ['e1'] }));
  expect(opened.asks).toContain('read e1');
  expect(counted.mock.calls.filter(([destination]) => destination === 'crm~link')).toEqual([]);
});
