import { linkKey, linkOf } from '@activation-hub/membership';
import { expect, test, vi } from 'vitest';
import { keyOf, openWaiting } from '../testing/waiting-looks.ts';
import { announceLooks } from './postponed-looks.ts';
import { Tally } from './tally.ts';

const followed = ', follow: ecid';
const email = keyOf('email', 'p');
const emailOnly = { email: ['p'] };
const both = { crmid: ['C-1'], email: ['p'] };
const ecid = ['e'];
const link = linkKey(email, { namespace: 'ecid', value: 'e' });

/**
 * Notes of which identities rows are written from now on, and writes a row of this identity as
 * another process before the first so many of its writes.
 */
function disturb({ ledger, putBy }: ReturnType<typeof openWaiting>, value: string, times: number): readonly string[] {
  const written: string[] = [];
  let left = times;
  ledger.beforeWrite = async (_, writes) => {
    written.push(...writes.map(({ key }) => key.identity.value));
    const write = writes.find(({ key }) => key.identity.value === value);
    if (write === undefined || left === 0) return;
    left -= 1;
    await putBy(write.key, (record) => record);
  };
  return written;
}

test('of people of whom no look waits the ledger is asked nothing', async () => {
  const { context } = openWaiting();
  const { signal } = new AbortController();
  const asked = [vi.spyOn(context.ledger, 'read'), vi.spyOn(context.ledger, 'write')];
  const telling = { context, deadline: signal, settleBy: signal, tally: new Tally(context) };
  await announceLooks([], { newest: new Map() }, telling);
  for (const each of asked) expect(each).not.toHaveBeenCalled();
});

test('a person whose row other processes keep writing is announced six times, and then left to the look', async () => {
  const opened = openWaiting();
  await opened.give(emailOnly);
  const before = await opened.recordAt(email);
  const written = disturb(opened, 'p', Infinity);
  await opened.give(both);
  expect(written.filter((value) => value === 'p')).toHaveLength(6);
  expect(await opened.recordAt(email)).toEqual(before);
});

test('of two people with one customer id the one is announced after the other', async () => {
  const { activate, next, recordAt } = openWaiting();
  await activate(next({ identities: both }), next({ identities: { crmid: ['C-1'], email: ['q'] } }));
  for (const value of ['p', 'q'])
    expect((await recordAt(keyOf('email', value)))?.formerOf).toMatchObject([{ value: 'C-1' }]);
});

test('of two people who share an address its row is as of the later export, also of one event', async () => {
  for (const isOneEvent of [true, false]) {
    const { give, activate, next, recordAt } = openWaiting();
    await give(emailOnly);
    const people = [{ identities: both }, { identities: { crmid: ['C-2'], email: ['p'] } }];
    await activate(...(isOneEvent ? [next(...people)] : people.map((each) => next(each))));
    const { knownDigest } = (await recordAt(keyOf('crmid', 'C-2'))) ?? {};
    expect(knownDigest).toHaveLength(16);
    expect((await recordAt(email))?.knownDigest).toBe(knownDigest);
  }
});

test('a link moves when the rows are announced, not before', async () => {
  const opened = openWaiting(followed);
  await opened.give({ ecid, ...emailOnly });
  const written = disturb(opened, 'p', 1);
  await opened.give({ ecid, ...both });
  expect(written).toEqual(['C-1', 'C-1', 'p', 'p', 'e']);
});

test('a person whose link another process writes meanwhile is announced again, without the row that says so', async () => {
  const opened = openWaiting(followed);
  await opened.give({ ecid, email: ['q'] });
  const written = disturb(opened, 'e', 1);
  await opened.give({ ecid, ...both });
  const moved = await opened.recordAt(link);
  expect(moved && linkOf(moved).identities).toEqual([{ namespace: 'crmid', value: 'C-1' }]);
  expect(written.filter((value) => value === 'p')).toHaveLength(1);
});

test('the row that the batch brings back is written once, and once more where another process was quicker', async () => {
  for (const times of [0, 1]) {
    const opened = openWaiting();
    await opened.give(emailOnly);
    const written = disturb(opened, 'p', times);
    await opened.activate(opened.next({ identities: both }), opened.next({ identities: emailOnly }));
    expect(written.filter((value) => value === 'p')).toHaveLength(1 + times);
    expect((await opened.recordAt(email))?.known.sequenceNumber).toBe(3);
  }
});

test('a row that the batch has just told is not written again for the sake of the look', async () => {
  const opened = openWaiting();
  const written = disturb(opened, 'p', 0);
  await opened.activate(opened.next({ identities: both }), opened.next({ identities: emailOnly }));
  // Its lease, and its settling.
  expect(written.filter((value) => value === 'p')).toHaveLength(2);
});
