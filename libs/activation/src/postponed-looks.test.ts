import { DestinationError } from '@activation-hub/destination-kit';
import { linkKey, linkOf, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
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

/** A destination that does not take C-1, so that the looks at exports with it wait. */
function open(follow = '') {
  const ledger = new DisturbedLedger();
  const opened = openActivation({
    ledger,
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email]${follow} }] }
`,
  });
  opened.crm.onRequest = (changes) => {
    if (changes.some(({ identity }) => identity.value === 'C-1'))
      throw new DestinationError('transient', 'Not reached.');
  };
  let sequenceNumber = 0;
  const give = (identities: Readonly<Record<string, readonly string[]>>, content: PersonContent = {}) =>
    opened.activate(eventOf(personExport({ ...content, identities }), (sequenceNumber += 1)));
  const rowAt = async (key: LedgerKey): Promise<LedgerRecord | undefined> =>
    (await ledger.read([key], signal))[0]?.record;
  return { ...opened, ledger, give, rowAt };
}

const keyOf = (namespace: string, value: string): LedgerKey => ({ ...fansKey(), identity: { namespace, value } });
const email = keyOf('email', 'p');
const both = { crmid: ['C-1'], email: ['p'] };
const emailOnly = { email: ['p'] };

test('where there is no row under the other identity, it is noted as that of the person, and nothing is told', async () => {
  const { give, rowAt, crm } = open();
  await give(both);
  expect(await rowAt(email)).toMatchObject({
    known: { isMember: false, sequenceNumber: 1 },
    rowState: { is: 'noted' },
    formerOf: [{ namespace: 'crmid', value: 'C-1' }],
  });
  expect(crm.told).toEqual([]);
});

test('the row of an older member is in question, until an export that changes nothing moves it', async () => {
  const { give, rowAt, counter } = open();
  await give(emailOnly);
  const before = await rowAt(email);
  await give(both);
  const waiting = await rowAt(keyOf('crmid', 'C-1'));
  expect(await rowAt(email)).toEqual({ ...before, knownDigest: waiting?.knownDigest });
  await give(emailOnly);
  const moved = await rowAt(email);
  expect(moved?.known.sequenceNumber).toBe(3);
  expect(moved).not.toHaveProperty('knownDigest');
  const asked = () => [counter('ledger-reads'), counter('ledger-writes')];
  const costs = asked();
  await give(emailOnly);
  expect(asked()).toEqual(costs);
});

test('the row of a newer member stays as it is, and so does one that knows the person already', async () => {
  const { give, rowAt } = open();
  await give(emailOnly, { at: 60 });
  const newer = await rowAt(email);
  await give(both);
  expect(await rowAt(email)).toEqual(newer);

  const again = open();
  await again.give(both);
  const noted = (await again.ledger.read([email], signal))[0]?.version;
  await again.give(both, { firstName: 'Grace', at: 0 });
  expect((await again.ledger.read([email], signal))[0]?.version).toBe(noted);
});

test('under the lease of another process a row remembers the person, or is in question, and keeps its state', async () => {
  for (const isMember of [true, false]) {
    const { give, rowAt, ledger, clock } = open();
    await give(emailOnly, isMember ? {} : { status: 'exited' });
    const row = await rowAt(email);
    if (row === undefined) throw new Error('There is no row.');
    const leased = { ...row, rowState: { is: 'leased', holder: 'other', expiresAtMs: clock.nowMs + 60_000 } } as const;
    await ledger.overwrite(email, leased);
    await give(both, { at: 60 });
    const found = await rowAt(email);
    const { linkDigest = '' } = (await rowAt(keyOf('crmid', 'C-1')))?.rowState as { readonly linkDigest?: string };
    const said = isMember
      ? { knownDigest: linkDigest }
      : { formerOf: [{ namespace: 'crmid', value: 'C-1', linkDigest }] };
    expect(found).toEqual({ ...leased, ...said });
  }
});

test('the link moves to the export whose look waits, and the former identities that may be there are leaving', async () => {
  const { give, rowAt } = open(', follow: ecid');
  const ecid = ['e'];
  await give({ ecid, email: ['q'] });
  await give({ ecid, crmid: ['C-1'], email: ['p'] });
  const link = await rowAt(linkKey(email, { namespace: 'ecid', value: 'e' }));
  expect(link?.known.sequenceNumber).toBe(2);
  expect(link && linkOf(link)).toEqual({
    identities: [{ namespace: 'crmid', value: 'C-1' }],
    leaving: [{ namespace: 'email', value: 'q' }],
  });
});

test('a row that another process writes meanwhile is announced again', async () => {
  const { give, rowAt, ledger } = open();
  await give(emailOnly);
  let isFirst = true;
  ledger.beforeWrite = async (_, [write]) => {
    if (!isFirst || write?.key.identity.value !== 'p') return;
    isFirst = false;
    const row = await rowAt(email);
    if (row !== undefined) await ledger.overwrite(email, row);
  };
  await give(both);
  expect(isFirst).toBe(false);
  expect((await rowAt(email))?.knownDigest).toHaveLength(16);
});

test('an export whose look waits writes the row of the newest export of its batch, which changes nothing there', async () => {
  const { give, rowAt, activate } = open();
  await give(emailOnly);
  await activate(eventOf(personExport({ identities: both }), 2), eventOf(personExport({ identities: emailOnly }), 3));
  expect(await rowAt(email)).toMatchObject({ known: { isMember: true, sequenceNumber: 3 } });
  expect(await rowAt(email)).not.toHaveProperty('knownDigest');
});
