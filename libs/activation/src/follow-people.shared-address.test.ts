import { replayDeadLetters, type DeadLetter } from '@activation-hub/delivery';
import {
  InMemoryLedger,
  type LedgerKey,
  type LedgerRow,
  type LedgerWrite,
  type LedgerWriteResult,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  fansKey,
  noonMs,
  openActivation,
  personExport,
  type PersonContent,
} from '../testing/index.ts';

const { signal } = new AbortController();
const address = 'family@example.com';
const addressKey = { ...fansKey(), identity: { namespace: 'email', value: address } };

/** What a ledger was asked for: calls, and rows in them. */
const nothing = { reads: 0, rowsRead: 0, writes: 0, rowsWritten: 0 };

class CountingLedger extends InMemoryLedger {
  counts = { ...nothing };

  override read(keys: readonly LedgerKey[], readSignal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]> {
    if (keys.length > 0) this.counts.reads += 1;
    this.counts.rowsRead += keys.length;
    return super.read(keys, readSignal);
  }

  override write(writes: readonly LedgerWrite[], writeSignal: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    if (writes.length > 0) this.counts.writes += 1;
    this.counts.rowsWritten += writes.length;
    return super.write(writes, writeSignal);
  }
}

/** People who share an address, and a worker with a ledger that counts. */
function open(sharers: number, follow = '', ledger = new CountingLedger()) {
  const opened = openActivation({
    ledger,
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email]${follow} }] }
`,
  });
  let sequenceNumber = 0;
  const exportOf = (identities: PersonContent['identities'], at: number) =>
    eventOf(personExport({ at, ...(identities === undefined ? {} : { identities }) }), (sequenceNumber += 1));
  const people = Array.from({ length: sharers }, (_, n) => ({
    ecid: [`e${String(n)}`],
    crmid: [`c${String(n)}-${'x'.repeat(30)}`],
    email: [address],
  }));
  /** Gives the exports as one batch, and what the ledger was asked for by that. */
  const give = async (...identities: readonly PersonContent['identities'][]) => await giveAt(0, ...identities);
  const giveAt = async (at: number, ...identities: readonly PersonContent['identities'][]) => {
    ledger.counts = { ...nothing };
    await opened.activate(...identities.map((each) => exportOf(each, at)));
    return ledger.counts;
  };
  const members = (): readonly string[] => [...opened.crm.members.keys()].map((key) => key.replace('sports-fans ', ''));
  const ofAddress = async () => (await ledger.read([addressKey], signal))[0]?.record;
  return { ...opened, ledger, people, exportOf, give, giveAt, members, ofAddress };
}

test.each([
  ['nothing', ''],
  ['the ECID', ', follow: ecid'],
])('an address that many share costs unchanged exports nothing, on a route that follows %s', async (_, follow) => {
  const sharers = 200;
  const { people, give, members, ofAddress, ledger } = open(sharers, follow);
  await give(...people);
  expect(members()).toHaveLength(sharers);
  const remembered = (await ofAddress())?.formerOf?.length ?? 0;
  expect(remembered).toBeGreaterThan(20);
  expect(remembered).toBeLessThan(40);
  expect(await give(...people)).toEqual(nothing);
  for (const person of people) expect(await give(person)).toEqual(nothing);

  // A worker that has just started reads each row, a few of them before the others, and the address
  // once for all.
  const next = open(sharers, follow, ledger);
  const links = follow === '' ? 0 : sharers - remembered;
  expect(await next.give(...people)).toEqual({
    ...nothing,
    reads: follow === '' ? 3 : 4,
    rowsRead: sharers + (sharers - remembered) + 1 + links,
  });
  expect(await next.give(...people)).toEqual(nothing);
});

test.each([
  ['nothing', ''],
  ['the ECID', ', follow: ecid'],
])(
  'however many people share an address, a batch of them costs as many calls, on a route that follows %s',
  async (_, follow) => {
    for (const at of [0, 60]) {
      const calls = [];
      for (const sharers of [100, 200]) {
        const { people, give, giveAt } = open(sharers, follow);
        if (at > 0) await give(...people);
        const { reads, writes } = await giveAt(at, ...people);
        calls.push([reads, writes]);
      }
      expect(calls[1]).toEqual(calls[0]);
    }
  },
);

test('an older export of the address alone does not bring it back, whichever of many moved on last', async () => {
  for (const sharer of [0, 99]) {
    const { people, give, giveAt, members } = open(100);
    await give(...people);
    await giveAt(120, people[sharer]);
    await giveAt(60, { email: [address] });
    expect(members()).not.toContain(address);
  }
});

test('an address that enters by a newer export stays until an export of one of many is newer still', async () => {
  const { people, give, giveAt, members } = open(100);
  await give(...people);
  await giveAt(60, { email: [address] });
  await give(people[99]);
  expect(await give(people[99])).toEqual(nothing);
  expect(members()).toContain(address);
  await giveAt(120, people[99]);
  expect(members()).not.toContain(address);
  expect(members()).toHaveLength(100);
});

test('the newest of many takes the address out for all of a batch, also for an older one', async () => {
  const { people, give, activate, exportOf, members, ofAddress } = open(3);
  await give({ email: [address] });
  const [first, second, third] = people;
  await activate(exportOf(first, -60), exportOf(second, 60), exportOf(third, 30));
  expect(members()).toHaveLength(3);
  expect(members()).not.toContain(address);
  const record = await ofAddress();
  expect(record?.known.qualifiedAtMs).toBe(noonMs + 60_000);
  // When the first came, the address was a newer export's.
  expect(record?.formerOf).toHaveLength(2);
});

test('of a person whose address is gone from the ledger the next look writes it again', async () => {
  const { people, give, members, ofAddress, ledger } = open(100);
  await give(...people);
  const [row] = await ledger.read([addressKey], signal);
  await ledger.remove(addressKey, row?.version ?? '', signal);
  const next = open(100, '', ledger);
  await next.give(people[99]);
  expect((await ofAddress())?.formerOf).toMatchObject([{ value: people[99]?.crmid[0] }]);
  expect(members()).toHaveLength(100);
});

test('on a paused route a person whose address is still a member costs nothing while nothing changes, and leaves it when the route is live', async () => {
  for (const follow of ['', ', follow: ecid']) {
    const live = open(1, follow);
    const [person] = live.people;
    await live.give({ email: [address], ecid: ['e0'] });
    const paused = open(1, `${follow}, mode: paused`, live.ledger);
    await paused.giveAt(60, person);
    await paused.giveAt(60, person);
    expect(await paused.giveAt(60, person)).toEqual(nothing);
    const again = open(1, follow, live.ledger);
    await again.giveAt(60, person);
    expect(again.crm.story.toSorted()).toEqual([
      `entered sports-fans ${person?.crmid[0] ?? ''}`,
      `exited sports-fans ${address}`,
    ]);
  }
});

test('an address whose exit is rejected costs unchanged exports nothing, and is taken out by a replay of one of them', async () => {
  const { people, give, giveAt, crm, letters, context, clock, retryDue, members } = open(100);
  await give({ email: [address] });
  const last = people[99]?.crmid[0] ?? '';
  crm.answer = ({ id, kind, identity: { value } }) =>
    kind === 'exited' || value === last ? { id, status: 'rejected', reason: 'locked' } : { id, status: 'delivered' };
  await giveAt(60, ...people);
  const ofLast = ({ failures }: DeadLetter): boolean =>
    failures.some(({ rows = [] }) => rows.some(({ identity }) => identity.value === last));
  expect(letters().map(ofLast).toSorted()).toEqual([false, true]);
  expect(await giveAt(60, ...people)).toEqual(nothing);

  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const names: string[] = [];
  for await (const name of context.deadLetters.names('', signal)) {
    const letter = await context.deadLetters.read(name, signal);
    if (letter !== undefined && ofLast(letter)) names.push(name);
  }
  await replayDeadLetters(names, {}, context, { clock: context.clock, signal });
  clock.nowMs += 60_000;
  expect(await retryDue()).toBe(1);
  expect(members()).toHaveLength(100);
  expect(members()).not.toContain(address);
});
