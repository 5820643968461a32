import { DestinationError } from '@activation-hub/destination-kit';
import {
  linkKey,
  linkOf,
  linkRecord,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  exitedAt,
  fansId,
  fansKey,
  memberAt,
  noonMs,
  openActivation,
  personExport,
  putRow,
  rowOf,
} from '../testing/index.ts';

const { signal } = new AbortController();
const email = (value: string): Identity => ({ namespace: 'email', value });
const keyOf = (value: string): LedgerKey => ({ ...fansKey(), identity: email(value) });
const ofLink = linkKey(fansKey(), { namespace: 'ecid', value: 'e1' });
const live = { is: 'leased', holder: 'another process', expiresAtMs: Infinity } as const;

/**
 * A person who is known under these identities, with these rows, and of whom an export then says
 * that the address is `new`.
 */
async function openKnown(formers: Readonly<Record<string, LedgerRecord | undefined>>) {
  const ledger = new DisturbedLedger();
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: email, follow: ecid }] }
`,
    ledger,
  });
  const link = { identities: Object.keys(formers).map(email), leaving: [] };
  await putRow(ledger, ofLink, linkRecord(memberAt(), link, 'before'));
  for (const [value, record] of Object.entries(formers))
    if (record !== undefined) await putRow(ledger, keyOf(value), record);
  const recordOf = async (key: LedgerKey) => (await ledger.read([key], signal))[0]?.record;
  const take = () =>
    opened.activate(eventOf(personExport({ identities: { ecid: ['e1'], email: ['new'] }, at: 60 }), 1));
  return { ...opened, ledger, recordOf, take };
}

test('a former identity whose row is gone was erased, and gets no row again', async () => {
  const { take, recordOf, crm } = await openKnown({ old: undefined });
  await take();
  expect(crm.story).toEqual(['entered sports-fans new']);
  expect(await recordOf(keyOf('old'))).toBeUndefined();
});

test('a former identity under the live lease of another process is left to that, and the person is looked at again', async () => {
  const { clock } = openActivation();
  // The second knows the exit already, which that process is telling.
  const leaving = { ...memberAt(60), isMember: false, enqueuedAtMs: noonMs + 1_000 };
  for (const known of [memberAt(), leaving]) {
    const leased = rowOf(known, { rowState: { ...live, expiresAtMs: clock.nowMs + 60_000 } });
    const { take, recordOf, crm, retryQueue } = await openKnown({ old: leased });
    await take();
    expect(crm.story).toEqual(['entered sports-fans new']);
    expect(await recordOf(keyOf('old'))).toMatchObject({ rowState: leased.rowState });
    expect(await Array.fromAsync(retryQueue.waiting(signal))).toHaveLength(1);
  }
});

test('a retry takes a person out under a former identity when the lease of another process has expired', async () => {
  const { clock: now } = openActivation();
  const leased = rowOf(memberAt(), { rowState: { ...live, expiresAtMs: now.nowMs + 1_000 } });
  const { take, recordOf, crm, clock, retryDue } = await openKnown({ old: leased });
  await take();
  // Nothing says before that no process need look at the person.
  expect((await recordOf(keyOf('new')))?.linkDigest).toBeUndefined();
  clock.nowMs += 60_000;
  await retryDue();
  expect(crm.story).toEqual(['entered sports-fans new', 'exited sports-fans old']);
  expect((await recordOf(keyOf('new')))?.linkDigest).toBeDefined();
});

test('a person whose former identity waits is looked at again, whatever else waits of the batch', async () => {
  const { clock: now } = openActivation();
  const leased = rowOf(memberAt(-120), { rowState: { ...live, expiresAtMs: now.nowMs + 60_000 } });
  const person = (ecid: string, address: string, at: number) =>
    personExport({ identities: { ecid: [ecid], email: [address] }, at });
  const rowsWaiting = async (...events: Parameters<typeof eventOf>[0][]) => {
    const { activate, retryQueue } = await openKnown({ old: leased, other: leased });
    await activate(...events.map((each, index) => eventOf(each, index)));
    const retries = await Array.fromAsync(retryQueue.waiting(signal));
    return retries.flatMap(({ events: brought }) =>
      brought.map(({ event, rows }) => [event.sequenceNumber, ...rows.map(({ identity }) => identity.value)]),
    );
  };
  // Another row of the same event waits, and then the former one itself for another event.
  expect(await rowsWaiting([person('e1', 'new', 60), person('e9', 'other', 0)])).toEqual([
    [0, 'other'],
    [0, 'new'],
  ]);
  expect(await rowsWaiting(person('e1', 'new', 60), person('e2', 'old', -60))).toEqual([
    [1, 'old'],
    [0, 'new'],
  ]);
});

test('a former identity that only a link names, and that is out as of a newer state, is written nothing', async () => {
  const { take, ledger, recordOf } = await openKnown({ old: rowOf(exitedAt(90)), member: rowOf(memberAt(30)) });
  const written: string[] = [];
  ledger.beforeWrite = (_, writes) => void written.push(...writes.map(({ key }) => key.identity.value));
  await take();
  expect(written).toContain('member');
  expect(await recordOf(keyOf('member'))).toMatchObject({ known: { isMember: false } });
  expect(written).not.toContain('old');
});

test('a person of whom one former identity waits and another was written meanwhile is looked at again once', async () => {
  const { clock } = openActivation();
  const leased = rowOf(memberAt(), { rowState: { ...live, expiresAtMs: clock.nowMs + 60_000 } });
  const { take, ledger, lines } = await openKnown({ old: leased, other: rowOf(memberAt()) });
  ledger.beforeWrite = async (_, writes) => {
    if (!writes.some(({ key }) => key.identity.value === 'other')) return;
    ledger.beforeWrite = () => undefined;
    await ledger.overwrite(keyOf('other'), rowOf(memberAt(1)));
  };
  await take();
  const deferred = lines.map((line) => JSON.parse(line) as { readonly signal: string; readonly changes?: number });
  expect(deferred.filter(({ signal: name }) => name === 'changes-deferred')).toMatchObject([{ changes: 1 }]);
});

test('a former identity that a newer export has meanwhile stays as it is, and in the link', async () => {
  const newer = rowOf(memberAt(120), { linkDigest: 'another person' });
  const { take, recordOf, crm } = await openKnown({ old: newer });
  await take();
  expect(crm.story).toEqual(['entered sports-fans new']);
  expect(await recordOf(keyOf('old'))).toEqual(newer);
  const link = (await recordOf(ofLink)) ?? expect.unreachable();
  expect(linkOf(link)).toEqual({ identities: [email('new')], leaving: [email('old')] });
});

test('an exit under a former identity without an answer is remembered as leaving', async () => {
  const { take, recordOf, crm } = await openKnown({ old: rowOf(memberAt()) });
  crm.onRequest = ([change]) => {
    if (change?.kind === 'exited') throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
  };
  await take();
  const record = (await recordOf(ofLink)) ?? expect.unreachable();
  expect(linkOf(record)).toEqual({ identities: [email('new')], leaving: [email('old')] });
});

test('a former identity that a newer export of the batch has for another person, and that this changes nothing for, stays', async () => {
  const { activate, crm } = await openKnown({ old: rowOf(memberAt()) });
  await activate(
    eventOf(personExport({ identities: { ecid: ['e1'], email: ['new'] } }), 1),
    eventOf(personExport({ identities: { ecid: ['e2'], email: ['old'] } }), 2),
  );
  expect(crm.story.filter((told) => told.startsWith('exited'))).toEqual([]);
});

test.each(['linkDigest', 'knownDigest'] as const)(
  'a link is as new as the newest of its rows, whichever that is (%s)',
  async (digest) => {
    for (const [first, second] of [
      [120, 0],
      [0, 120],
    ] as const) {
      const { take, crm } = await openKnown({
        a: rowOf(memberAt(first), { [digest]: 'before' }),
        b: rowOf(memberAt(second), { [digest]: 'before' }),
      });
      await take();
      expect(crm.story.filter((told) => told.startsWith('exited'))).toEqual(['exited sports-fans new']);
    }
  },
);

test('of a person whom a newer link knows, an identity that another person has by the very event of that link stays', async () => {
  const { activate, ledger, crm } = await openKnown({ old: rowOf(memberAt()) });
  await putRow(ledger, keyOf('theirs'), rowOf(memberAt()));
  await activate(eventOf(personExport({ identities: { ecid: ['e1'], email: ['theirs'] }, at: -60 }), 1));
  expect(crm.story).toEqual([]);
});
