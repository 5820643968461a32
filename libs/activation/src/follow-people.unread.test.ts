import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
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
  const { activate, exportOf, asks, counter } = await open();
  const reads = counter('ledger-reads');
  await activate(exportOf({ crmid: ['p1'], ecid: ['e1'] }));
  expect(asks).toEqual(['leased p1', 'delivered p1', 'noted e1', 'delivered p1']);
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
