import { linkKey, linkOf } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { eventOf, personExport } from '../testing/index.ts';
import { keyOf, openWaiting } from '../testing/waiting-looks.ts';

const email = keyOf('email', 'p');
const both = { crmid: ['C-1'], email: ['p'] };
const emailOnly = { email: ['p'] };

test('where there is no row under the other identity, it is noted as that of the person, and nothing is told', async () => {
  const { give, recordAt, crm } = openWaiting();
  await give(both);
  expect(await recordAt(email)).toMatchObject({
    known: { isMember: false, sequenceNumber: 1 },
    rowState: { is: 'noted' },
    formerOf: [{ namespace: 'crmid', value: 'C-1' }],
  });
  expect(crm.told).toEqual([]);
});

test('the row of an older member is in question, until an export that changes nothing moves it', async () => {
  const { give, recordAt, counter } = openWaiting();
  await give(emailOnly);
  const before = await recordAt(email);
  await give(both);
  const waiting = await recordAt(keyOf('crmid', 'C-1'));
  expect(await recordAt(email)).toEqual({ ...before, knownDigest: waiting?.knownDigest });
  await give(emailOnly);
  const moved = await recordAt(email);
  expect(moved?.known.sequenceNumber).toBe(3);
  expect(moved).not.toHaveProperty('knownDigest');
  const asked = () => [counter('ledger-reads'), counter('ledger-writes')];
  const costs = asked();
  await give(emailOnly);
  expect(asked()).toEqual(costs);
});

test('the row of a newer member stays as it is, and so does one that knows the person already', async () => {
  const { give, recordAt } = openWaiting();
  await give(emailOnly, { at: 60 });
  const newer = await recordAt(email);
  await give(both);
  expect(await recordAt(email)).toEqual(newer);

  const again = openWaiting();
  await again.give(both);
  const noted = await again.rowAt(email);
  await again.give(both, { firstName: 'Grace', at: 0 });
  expect((await again.rowAt(email))?.version).toBe(noted?.version);
});

test('under the lease of another process a row remembers the person, or is in question, and keeps its state', async () => {
  for (const isMember of [true, false]) {
    const { give, recordAt, ledger, clock } = openWaiting();
    await give(emailOnly, isMember ? {} : { status: 'exited' });
    const row = await recordAt(email);
    if (row === undefined) throw new Error('There is no row.');
    const leased = { ...row, rowState: { is: 'leased', holder: 'other', expiresAtMs: clock.nowMs + 60_000 } } as const;
    await ledger.overwrite(email, leased);
    await give(both, { at: 60 });
    const found = await recordAt(email);
    const { linkDigest = '' } = (await recordAt(keyOf('crmid', 'C-1')))?.rowState as { readonly linkDigest?: string };
    const said = isMember
      ? { knownDigest: linkDigest }
      : { formerOf: [{ namespace: 'crmid', value: 'C-1', linkDigest }] };
    expect(found).toEqual({ ...leased, ...said });
  }
});

test('the link moves to the export whose look waits, and the former identities that may be there are leaving', async () => {
  const { give, recordAt } = openWaiting(', follow: ecid');
  const ecid = ['e'];
  await give({ ecid, email: ['q'] });
  await give({ ecid, crmid: ['C-1'], email: ['p'] });
  const link = await recordAt(linkKey(email, { namespace: 'ecid', value: 'e' }));
  expect(link?.known.sequenceNumber).toBe(2);
  expect(link && linkOf(link)).toEqual({
    identities: [{ namespace: 'crmid', value: 'C-1' }],
    leaving: [{ namespace: 'email', value: 'q' }],
  });
});

test('a row that another process writes meanwhile is announced again', async () => {
  const { give, recordAt, ledger } = openWaiting();
  await give(emailOnly);
  let isFirst = true;
  ledger.beforeWrite = async (_, [write]) => {
    if (!isFirst || write?.key.identity.value !== 'p') return;
    isFirst = false;
    const row = await recordAt(email);
    if (row !== undefined) await ledger.overwrite(email, row);
  };
  await give(both);
  expect(isFirst).toBe(false);
  expect((await recordAt(email))?.knownDigest).toHaveLength(16);
});

test('an export whose look waits writes the row of the newest export of its batch, which changes nothing there', async () => {
  const { give, recordAt, activate } = openWaiting();
  await give(emailOnly);
  await activate(eventOf(personExport({ identities: both }), 2), eventOf(personExport({ identities: emailOnly }), 3));
  expect(await recordAt(email)).toMatchObject({ known: { isMember: true, sequenceNumber: 3 } });
  expect(await recordAt(email)).not.toHaveProperty('knownDigest');
});
