import { DestinationError } from '@activation-hub/destination-kit';
import { attributesCharactersMax, ledgerKeyText, type LedgerRow } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  type PersonContent,
} from '../testing/index.ts';

const { signal } = new AbortController();
/** As many unknown people as make a worker expect that the next has no row. */
const expectAfterKeys = 3;

function fileWith(mode: string): string {
  return `
version: 1
destinations:
  crm: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid], mode: ${mode}, attributes: { firstname: person.name.firstName } }
`;
}

/** A person of one identity, so that the journey follows no other one. */
function alone(content: PersonContent): PersonContent {
  return { ...content, identities: { crmid: [content.person ?? 'p1'] } };
}

/**
 * A worker that expects people to be new, because the last ones were, beside another worker with
 * the same ledger.
 */
async function open(mode = 'live') {
  const ledger = new DisturbedLedger();
  const file = fileWith(mode);
  const other = openActivation({ ledger, file });
  const opened = openActivation({ ledger, file, cache: { expectAfterKeys }, destinations: other });
  const asks: string[] = [];
  ledger.beforeRead = () => void asks.push('read');
  ledger.beforeWrite = (_, writes) => void asks.push(`write ${writes.length}`);
  let sequenceNumber = 0;
  const tell = async (content: PersonContent): Promise<string[]> => {
    asks.length = 0;
    sequenceNumber += 1;
    await opened.activate(eventOf(personExport(alone(content)), sequenceNumber));
    return [...asks];
  };
  const tellByOther = (content: PersonContent, number = 0): Promise<void> =>
    other.activate(eventOf(personExport(alone(content)), number, { partitionId: '1' }));
  const row = async (person: string): Promise<LedgerRow | undefined> =>
    (await ledger.read([fansKey(person)], signal))[0];
  for (let n = 0; n < expectAfterKeys; n += 1) await tell({ person: `new-${n}` });
  other.crm.told.length = 0;
  return { ...opened, ledger, tell, tellByOther, row, other };
}

test('once people turn out to be new, the next one is leased without a read, and settled', async () => {
  const { tell, crm, row } = await open();
  expect(await tell({ person: 'p1' })).toEqual(['write 1', 'write 1']);
  expect(crm.told).toMatchObject([{ kind: 'entered', identity: { value: 'p1' } }]);
  expect((await row('p1'))?.record.rowState).toEqual({ is: 'delivered' });
});

test('a worker begins by reading, and so does one that finds rows', async () => {
  const { ledger, other } = await open();
  for (let n = 0; n < 5; n += 1) await other.activate(eventOf(personExport(alone({ person: `old-${n}` })), n));
  const restarted = openActivation({ ledger, file: fileWith('live'), cache: { expectAfterKeys }, destinations: other });
  let writes = 0;
  ledger.beforeWrite = () => void (writes += 1);
  for (let n = 0; n < 5; n += 1) await restarted.activate(eventOf(personExport(alone({ person: `old-${n}` })), n));
  expect(writes).toBe(0);
  expect(restarted.outcomes()).toEqual({ 'crm unchanged': 5 });
});

test('of a first batch of many people, a few are looked for, and what that shows goes for the others', async () => {
  const ledger = new DisturbedLedger();
  const file = fileWith('live');
  const other = openActivation({ ledger, file });
  const batchOf = (name: string, from: number) =>
    Array.from({ length: 10 }, (_, n) => eventOf(personExport(alone({ person: `${name}-${n}` })), from + n));
  const asks: string[] = [];
  ledger.beforeRead = (_, keys) => void asks.push(`read ${keys.length}`);
  ledger.beforeWrite = (_, writes) => void asks.push(`write ${writes.length}`);

  const filling = openActivation({ ledger, file, cache: { expectAfterKeys }, destinations: other });
  await filling.activate(...batchOf('new', 0));
  expect(asks).toEqual([`read ${expectAfterKeys}`, 'write 10', 'write 10']);
  expect(filling.outcomes()).toEqual({ 'crm delivered': 10 });

  asks.length = 0;
  const restarted = openActivation({ ledger, file, cache: { expectAfterKeys }, destinations: other });
  await restarted.activate(...batchOf('new', 0));
  expect(asks).toEqual([`read ${expectAfterKeys}`, `read ${10 - expectAfterKeys}`]);
  expect(restarted.outcomes()).toEqual({ 'crm unchanged': 10 });
});

test('a person whom another worker enters at the same moment is looked for once', async () => {
  const ledger = new DisturbedLedger();
  const other = openActivation({ ledger, file: fileWith('live') });
  const opened = openActivation({ ledger, file: fileWith('live'), cache: { expectAfterKeys }, destinations: other });
  let isFirst = true;
  ledger.beforeWrite = async () => {
    if (!isFirst) return;
    isFirst = false;
    await other.activate(eventOf(personExport(alone({ person: 'new-0' })), 0, { partitionId: '1' }));
  };
  for (let n = 0; n < expectAfterKeys; n += 1)
    await opened.activate(eventOf(personExport(alone({ person: `new-${n}` })), n));
  expect(opened.context.ledgerCache.expectsNoRow('crm')).toBe(true);
});

test('the updates of a person whom the cache knows let no other person be taken for new', async () => {
  const ledger = new DisturbedLedger();
  const other = openActivation({ ledger, file: fileWith('live') });
  await other.activate(eventOf(personExport(alone({})), 0, { partitionId: '1' }));
  const opened = openActivation({ ledger, file: fileWith('live'), cache: { expectAfterKeys }, destinations: other });
  for (let n = 0; n < 6; n += 1) await opened.activate(eventOf(personExport(alone({ firstName: `Ada ${n}` })), n));
  expect(opened.outcomes()).toEqual({ 'crm delivered': 6 });
  expect(opened.context.ledgerCache.expectsNoRow('crm')).toBe(false);
});

test('the retries of a person whom the cache knows say nothing about new ones', async () => {
  const opened = openActivation({ file: fileWith('live'), cache: { expectAfterKeys } });
  opened.crm.onRequest = () => {
    opened.crm.onRequest = () => undefined;
    throw new DestinationError('transient', 'Not reached.');
  };
  for (let n = 0; n < expectAfterKeys; n += 1)
    await opened.activate(eventOf(personExport(alone({ person: `new-${n}` })), n));
  opened.clock.nowMs = opened.retryQueue.nextDueAtMs ?? NaN;
  await opened.retryDue();
  expect(opened.outcomes()).toEqual({ 'crm deferred': 1, 'crm delivered': 3 });
  expect(opened.context.ledgerCache.expectsNoRow('crm')).toBe(true);
});

test('a person who was taken for new and is known is decided by the row: the same state is not told again', async () => {
  const { tell, tellByOther, crm, outcomes } = await open();
  await tellByOther({ person: 'p1' });
  crm.told.length = 0;
  expect(await tell({ person: 'p1' })).toEqual(['write 1', 'read']);
  expect(crm.told).toEqual([]);
  expect(outcomes()).toMatchObject({ 'crm unchanged': 1 });
});

test('an older state of a person who was taken for new does not win against the row', async () => {
  const { tell, tellByOther, crm, row, outcomes } = await open();
  await tellByOther({ person: 'p1', status: 'exited', at: 60 });
  crm.told.length = 0;
  await tell({ person: 'p1', at: 0 });
  expect(crm.told).toEqual([]);
  expect((await row('p1'))?.record.known).toMatchObject({ status: 'exited', isMember: false });
  expect(outcomes()).toMatchObject({ 'crm superseded': 1 });
});

test('an older state does not win either when its person turns out to be known only after the write was planned', async () => {
  const { tell, tellByOther, ledger, crm } = await open();
  let isFirst = true;
  ledger.beforeWrite = async () => {
    if (!isFirst) return;
    isFirst = false;
    await tellByOther({ person: 'p1', at: 60, firstName: 'Grace' });
  };
  await tell({ person: 'p1', at: 0 });
  expect(crm.told).toMatchObject([{ attributes: { firstname: 'Grace' } }]);
});

test.each(['paused', 'shadow'] as const)(
  'under a route that is %s, who was taken for new and is known costs no write',
  async (mode) => {
    const { tell, tellByOther, outcomes } = await open(mode);
    await tellByOther({ person: 'p1' });
    expect(await tell({ person: 'p1' })).toEqual(['write 1', 'read', ...(mode === 'paused' ? ['write 1'] : [])]);
    expect(outcomes()).toEqual(mode === 'paused' ? { 'crm paused': 4 } : { 'crm shadowed': 3, 'crm unchanged': 1 });
  },
);

test('while the circuit is open no person is taken for new, so that what is unchanged is not deferred', async () => {
  const { tell, tellByOther, crm, outcomes, retryQueue } = await open();
  await tellByOther({ person: 'p1' });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const person of ['f1', 'f2', 'f3']) await tell({ person });
  const waiting = (await Array.fromAsync(retryQueue.waiting(signal))).length;
  expect(await tell({ person: 'p1' })).toEqual(['read']);
  expect(outcomes()).toMatchObject({ 'crm unchanged': 1 });
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toHaveLength(waiting);
});

test('attributes that no row takes are refused only once the row was read, which may know something newer', async () => {
  const { tell, tellByOther, letters, outcomes } = await open();
  await tellByOther({ person: 'p1', at: 60 });
  expect(await tell({ person: 'p1', at: 0, firstName: 'x'.repeat(attributesCharactersMax) })).toEqual(['read']);
  expect(letters()).toEqual([]);
  expect(outcomes()).toMatchObject({ 'crm superseded': 1 });
});

test('a change of a person whom the cache knows is leased under the version that it knows, without a read', async () => {
  const { tell, crm } = await open();
  await tell({ person: 'p1' });
  expect(await tell({ person: 'p1', firstName: 'Grace' })).toEqual(['write 1', 'write 1']);
  expect(await tell({ person: 'p1', status: 'exited', at: 60 })).toEqual(['write 1', 'write 1']);
  expect(crm.told.map(({ kind }) => kind)).toEqual(['entered', 'updated', 'exited']);
});

test('a version that is outdated is found out by the write: the row is read, and decided by what it is', async () => {
  const { tell, tellByOther, crm, row, outcomes } = await open();
  await tell({ person: 'p1' });
  await tellByOther({ person: 'p1', status: 'exited', at: 120 }, 100);
  crm.told.length = 0;
  expect(await tell({ person: 'p1', firstName: 'Grace' })).toEqual(['write 1', 'read']);
  expect(crm.told).toEqual([]);
  expect(outcomes()).toMatchObject({ 'crm superseded': 1 });
  expect((await row('p1'))?.record.known.isMember).toBe(false);
});

test('a row that is not what it was expected to be has lost no round by that', async () => {
  const { tell, tellByOther, ledger, crm, outcomes } = await open();
  await tellByOther({ person: 'p1' });
  crm.told.length = 0;
  const disturb = async (rounds: number): Promise<void> => {
    let writes = 0;
    ledger.beforeWrite = async () => {
      writes += 1;
      // The first write takes the person for new, and is lost anyway.
      if (writes === 1 || writes > rounds + 1) return;
      const [found] = await ledger.read([fansKey('p1')], signal);
      if (found === undefined) throw new Error('There is no row.');
      await ledger.overwrite(fansKey('p1'), found.record);
    };
    await tell({ person: 'p1', status: 'exited', at: 60 * (rounds + 1) });
  };
  await disturb(4);
  expect(crm.told).toMatchObject([{ kind: 'exited' }]);
  expect(outcomes()).not.toHaveProperty('crm deferred');
});

test('a version that was outdated is not tried again', async () => {
  const { tell, tellByOther, ledger, row, clock } = await open();
  await tell({ person: 'p1' });
  // The process no longer expects that keys have no row.
  for (let n = 0; n < 6; n += 1) {
    await tellByOther({ person: `old-${n}` });
    await tell({ person: `old-${n}` });
  }
  const found = await row('p1');
  if (found === undefined) throw new Error('unreachable');
  // Another worker has the lease, so that this one waits, writes what is newer into the row, and
  // learns nothing that it could keep.
  const by = { holder: 'another worker', expiresAtMs: clock.nowMs + 60_000 };
  await ledger.overwrite(fansKey('p1'), { ...found.record, rowState: { is: 'leased', ...by } });
  expect(await tell({ person: 'p1', firstName: 'Grace' })).toEqual(['write 1', 'read', 'write 1']);
  expect(await tell({ person: 'p1', firstName: 'Grace' })).toEqual(['read']);
});

test('a retry reads its rows, for the row of what was deferred is there', async () => {
  const { tell, crm, ledger, retryDue, retryQueue, clock } = await open();
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'later' });
  await tell({ person: 'p1' });
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const asks: string[] = [];
  ledger.beforeRead = () => void asks.push('read');
  ledger.beforeWrite = () => void asks.push('write');
  clock.nowMs = retryQueue.nextDueAtMs ?? NaN;
  await retryDue();
  expect(asks[0]).toBe('read');
});

test('when people turn out to be known, the worker reads them first again', async () => {
  const { tell, tellByOther } = await open();
  const asks: string[][] = [];
  for (let n = 0; n < 6; n += 1) {
    await tellByOther({ person: `old-${n}` });
    asks.push(await tell({ person: `old-${n}` }));
  }
  expect(asks[0]).toEqual(['write 1', 'read']);
  expect(asks.at(-1)).toEqual(['read']);
});

test('a retry reads its rows in one call, whatever the process knows of the destination', async () => {
  const ledger = new DisturbedLedger();
  const other = openActivation({ ledger, file: fileWith('live') });
  other.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await other.activate(...['a', 'b', 'c', 'd', 'e'].map((person, n) => eventOf(personExport(alone({ person })), n)));
  other.crm.onRequest = () => undefined;
  const { retryQueue } = other;
  const restarted = openActivation({
    ledger,
    file: fileWith('live'),
    cache: { expectAfterKeys },
    destinations: other,
    retryQueue,
  });
  restarted.clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  const reads: number[] = [];
  ledger.beforeRead = (_, keys) => void reads.push(keys.length);
  expect(await restarted.retryDue()).toBe(1);
  expect(reads).toEqual([5]);
  expect(restarted.outcomes()).toEqual({ 'crm delivered': 5 });
});

test('when a person whose row the cache knows is updated, no row of another identity is written', async () => {
  const ledger = new DisturbedLedger();
  const { activate, context } = openActivation({ ledger });
  await activate(eventOf(personExport(), 1));
  const other = { ...fansKey(), identity: { namespace: 'email', value: 'p1@example.com' } };
  context.ledgerCache.delete(ledgerKeyText(other));
  const written = new Set<string>();
  ledger.beforeWrite = (_, writes) => {
    for (const { key } of writes) written.add(key.identity.value);
  };
  await activate(eventOf(personExport({ firstName: 'Grace' }), 2));
  expect([...written]).toEqual(['p1']);
});

test('people who are noted without a read show that others are new, as those do who are told', async () => {
  const { tell, tellByOther, context } = await open('paused');
  for (let n = 0; n < 5; n += 1) expect(await tell({ person: `also-new-${n}` })).toEqual(['write 1']);
  await tellByOther({ person: 'p1' });
  await tell({ person: 'p1' });
  expect(context.ledgerCache.expectsNoRow('crm')).toBe(true);
});
