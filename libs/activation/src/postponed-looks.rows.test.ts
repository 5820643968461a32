import {
  attributesCharactersMax,
  historyOf,
  ledgerKeyText,
  linkKey,
  linkOf,
  type LedgerRecord,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { exitedAt, noonMs, untoldRowOf } from '../testing/index.ts';
import { keyOf, openWaiting } from '../testing/waiting-looks.ts';

const followed = ', follow: ecid';
const email = keyOf('email', 'p');
const customer = keyOf('crmid', 'C-1');
const emailOnly = { email: ['p'] };
const both = { crmid: ['C-1'], email: ['p'] };
const ecid = ['e'];
const link = linkKey(email, { namespace: 'ecid', value: 'e' });

/** The digest that a deferred row says its retry brings. */
function digestOf(record: LedgerRecord | undefined): string {
  return record?.rowState.is === 'deferred' ? (record.rowState.linkDigest ?? '') : '';
}

test('the row that is noted says all that is known: no member, as of the export, and on whose account', async () => {
  const { give, recordAt, clock } = openWaiting();
  await give(both);
  const noted: Partial<LedgerRecord> = (await recordAt(email)) ?? {};
  const { history, ...record } = noted;
  expect(record).toStrictEqual({
    known: {
      status: 'realized',
      isMember: false,
      qualifiedAtMs: noonMs,
      enqueuedAtMs: noonMs + 1_000,
      sequenceNumber: 1,
      content: '',
    },
    rowState: { is: 'noted' },
    attributes: {},
    inDoubt: false,
    formerOf: [{ ...customer.identity, linkDigest: digestOf(await recordAt(customer)) }],
  });
  expect(history).toBeDefined();
  expect(historyOf(noted).transitions).toMatchObject([{ did: 'noted', because: 'former-identity', atMs: clock.nowMs }]);
});

test('the row of an older member loses the digest of its own export', async () => {
  const { give, recordAt } = openWaiting();
  await give({ email: ['p', 'z'] });
  const { linkDigest, ...before } = (await recordAt(email)) ?? {};
  expect(linkDigest).toHaveLength(16);
  await give(both);
  expect(await recordAt(email)).toStrictEqual({ ...before, knownDigest: digestOf(await recordAt(customer)) });
});

test('a person who comes back after one event brought both exports is known as the last export says', async () => {
  for (const more of ['', followed]) {
    const { activate, next, recover, crm } = openWaiting(more);
    const ofPerson = more === '' ? {} : { ecid };
    const [apart, together] = [{ identities: { ...ofPerson, ...emailOnly } }, { identities: { ...ofPerson, ...both } }];
    await activate(next(apart, together));
    await activate(next(apart));
    await recover();
    expect(crm.members.has('sports-fans p')).toBe(true);
  }
});

test('a row that knows of no member moves on to the export, also where it knows the person', async () => {
  const { give, recordAt } = openWaiting();
  await give(both);
  await give(both, { at: 60 });
  expect((await recordAt(email))?.known.qualifiedAtMs).toBe(noonMs + 60_000);
});

test('a row that knows of no member as of a newer export remembers the person, and stays as new as it is', async () => {
  const { give, recordAt, ledger } = openWaiting();
  const newer = untoldRowOf(exitedAt(60));
  await ledger.overwrite(email, newer);
  await give(both);
  expect(await recordAt(email)).toEqual({
    ...newer,
    formerOf: [{ ...customer.identity, linkDigest: digestOf(await recordAt(customer)) }],
  });
});

test('a row that remembers one of two customers remembers the other one too', async () => {
  const { give, recordAt } = openWaiting(', identities: all');
  await give(both);
  await give({ crmid: ['C-1', 'C-2'], email: ['p'] });
  expect((await recordAt(email))?.formerOf?.map(({ value }) => value)).toEqual(['C-1', 'C-2']);
});

test('a row that a link alone names, and that knows of no member as of a newer export, is not written', async () => {
  const { give, rowAt, recordAt, putBy } = openWaiting(followed);
  await give({ ecid, email: ['q'] });
  await putBy(keyOf('email', 'q'), () => untoldRowOf(exitedAt(60)));
  const before = await rowAt(keyOf('email', 'q'));
  await give({ ecid, ...both });
  expect(await rowAt(keyOf('email', 'q'))).toEqual(before);
  const moved = await recordAt(link);
  expect(moved && linkOf(moved)).toEqual({ identities: [customer.identity], leaving: [] });
});

test('an export that is older than the link of the person announces nothing, and leaves the link', async () => {
  const { give, rowAt } = openWaiting(followed);
  await give({ ecid, email: ['q'] }, { at: 60 });
  const before = await rowAt(link);
  await give({ ecid, ...both });
  expect(digestOf((await rowAt(customer))?.record)).toHaveLength(16);
  expect(await rowAt(email)).toBeUndefined();
  expect(await rowAt(link)).toEqual(before);
});

test('a link that the cache has forgotten is read, however many others were not there', async () => {
  const { give, recordAt, context } = openWaiting(followed, { expectAfterKeys: 1 });
  await give({ ecid, email: ['q'] });
  context.ledgerCache.delete(ledgerKeyText(link));
  expect(context.ledgerCache.expectsNoRow(link.destination)).toBe(true);
  await give({ ecid, crmid: ['C-1'] });
  const moved = await recordAt(link);
  expect(moved && linkOf(moved).identities).toEqual([customer.identity]);
});

test('an export of the batch that no row can keep moves none', async () => {
  const { give, activate, next, rowAt } = openWaiting(', attributes: { firstname: person.name.firstName }');
  await give(emailOnly);
  const before = await rowAt(email);
  const firstName = 'x'.repeat(attributesCharactersMax);
  await activate(next({ identities: both }), next({ identities: emailOnly, firstName }));
  expect(await rowAt(email)).toEqual(before);
});

test('a row that another process is telling is left to it, also where the batch brings it back', async () => {
  const { give, activate, next, recordAt, putBy, clock } = openWaiting();
  await give(emailOnly);
  const rowState = { is: 'leased', holder: 'another', expiresAtMs: clock.nowMs + 60_000 } as const;
  await putBy(email, (record) => ({ ...record, rowState }));
  const leased = await recordAt(email);
  await activate(next({ identities: both }), next({ identities: emailOnly }));
  expect(await recordAt(email)).toEqual(leased);
});
