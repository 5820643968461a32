import { DestinationError } from '@activation-hub/destination-kit';
import { formerOfCharactersMax, type LedgerRecord } from '@activation-hub/membership';
import { expect, test } from 'vitest';
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

const { signal } = new AbortController();
const email = 'a@example.com';
const both = { crmid: ['c1'], email: [email] };
const emailOnly = { email: [email] };

/** A worker of a route that follows nothing: the better identity comes and goes. */
function open(earlier?: TestActivation & { readonly ledger: DisturbedLedger }, expectAfterKeys = 64) {
  const ledger = earlier?.ledger ?? new DisturbedLedger();
  const opened = openActivation({
    ledger,
    ...(earlier === undefined ? {} : { destinations: earlier, retryQueue: earlier.retryQueue }),
    cache: { expectAfterKeys },
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate: [{ destination: crm, identity: [crmid, email], attributes: { firstname: person.name.firstName } }]
`,
  });
  const rowOf = async (namespace: string, value: string): Promise<LedgerRecord | undefined> =>
    (await ledger.read([{ ...fansKey(), identity: { namespace, value } }], signal))[0]?.record;
  return { ...opened, ledger, rowOf };
}

let sequenceNumber = 0;
function exportOf(identities: Readonly<Record<string, readonly string[]>>, content: PersonContent = {}) {
  sequenceNumber += 1;
  return eventOf(personExport({ ...content, identities }), sequenceNumber);
}

const members = ({ crm }: TestActivation): readonly string[] =>
  [...crm.members.keys()].map((key) => key.replace('sports-fans ', '')).toSorted();

test.each([
  ['reads every row first', 64],
  ['expects that people are new', 0],
])(
  'a better identity that goes and comes in batches of their own leaves no row of a member behind, in a worker that %s',
  async (_, after) => {
    const opened = open(undefined, after);
    const { activate, crm } = opened;
    await activate(exportOf(both));
    await activate(exportOf(emailOnly));
    expect(members(opened)).toEqual([email, 'c1']);
    await activate(exportOf(both));
    expect(members(opened)).toEqual(['c1']);
    await activate(exportOf(both));
    expect(crm.story).toEqual([
      'entered sports-fans c1',
      `entered sports-fans ${email}`,
      `exited sports-fans ${email}`,
    ]);
  },
);

test.each([
  ['an exit', { at: 60, status: 'exited' }],
  ['withdrawn consent', { consent: 'n' }],
] as const)(
  '%s that comes with the better identity takes the person out under the other one too',
  async (_, content) => {
    for (const comesBack of [true, false]) {
      const opened = open();
      await opened.activate(exportOf(both));
      await opened.activate(exportOf(emailOnly));
      if (comesBack) await opened.activate(exportOf(both));
      await opened.activate(exportOf(both, content));
      expect(members(opened)).toEqual([]);
    }
  },
);

test('exports of one batch that are retried one by one leave no row of a member behind', async () => {
  const opened = open();
  const { activate, crm, clock, retryDue } = opened;
  await activate(exportOf(both));
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not now.');
  };
  await activate(exportOf(emailOnly));
  await activate(exportOf(both, { at: 60 }));
  crm.onRequest = () => undefined;
  for (let n = 0; n < 4; n += 1) {
    clock.nowMs += 3_600_000;
    await retryDue();
  }
  expect(members(opened)).toEqual(['c1']);
  await activate(exportOf(both, { at: 120, status: 'exited' }));
  expect(members(opened)).toEqual([]);
});

test('the better identity has no digest while the other one waits in an outage, and is looked at', async () => {
  const opened = open();
  const { activate, crm, rowOf, clock, retryDue } = opened;
  await activate(exportOf(both));
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not now.');
  };
  for (let n = 0; n < 12; n += 1) await activate(exportOf({ crmid: [`other-${n}`] }));
  await activate(exportOf(emailOnly));
  expect((await rowOf('email', email))?.rowState.is).toBe('deferred');
  expect((await rowOf('crmid', 'c1'))?.linkDigest).toBeUndefined();
  await activate(exportOf(both));
  crm.onRequest = () => undefined;
  for (let n = 0; n < 4; n += 1) {
    clock.nowMs += 3_600_000;
    await retryDue();
  }
  expect(members(opened)).not.toContain(email);
});

test('a process that ends between the digest and the lease costs one look more', async () => {
  const first = open();
  await first.activate(exportOf(both));
  const left = exportOf(emailOnly);
  first.ledger.beforeWrite = (_, writes) => {
    if (writes.some(({ record }) => record.rowState.is === 'leased')) throw new Error('The process ends.');
  };
  await expect(first.activate(left)).rejects.toThrow('The process ends.');
  first.ledger.beforeWrite = () => undefined;
  expect((await first.rowOf('crmid', 'c1'))?.linkDigest).toBeUndefined();
  expect((await first.rowOf('email', email))?.formerOf).toMatchObject([{ namespace: 'crmid', value: 'c1' }]);

  // The process that has the partition now gets the batch again, and then the next.
  const second = open(first);
  await second.activate(left);
  await second.activate(exportOf(both));
  expect(members(second)).toEqual(['c1']);

  // Or the newer export is quicker.
  const third = open(second);
  const again = exportOf(emailOnly);
  third.ledger.beforeWrite = first.ledger.beforeWrite = (_, writes) => {
    if (writes.some(({ record }) => record.rowState.is === 'leased')) throw new Error('The process ends.');
  };
  await expect(third.activate(again)).rejects.toThrow('The process ends.');
  third.ledger.beforeWrite = () => undefined;
  const fourth = open(third);
  await fourth.activate(exportOf(both));
  await fourth.activate(again);
  expect(members(fourth)).toEqual(['c1']);
  expect((await fourth.rowOf('crmid', 'c1'))?.linkDigest).toHaveLength(16);
});

test('an export that is looked at between the digest and the lease is the newer one', async () => {
  const first = open();
  await first.activate(exportOf(both));
  const [late, newer] = [exportOf(emailOnly), exportOf(both)];
  const second = open(first);
  let isFirst = true;
  first.ledger.beforeWrite = async (_, writes) => {
    if (!isFirst || !writes.some(({ record }) => record.rowState.is === 'leased')) return;
    isFirst = false;
    await second.activate(newer);
  };
  await first.activate(late);
  expect(isFirst).toBe(false);
  expect(members(first)).toEqual(['c1']);
});

test('a look that is under way while the digest goes gives none', async () => {
  const first = open();
  await first.activate(exportOf(both));
  await first.activate(exportOf(emailOnly));
  const second = open(first);
  // The look has noted the other identity, and has not written the digest yet.
  let isFirst = true;
  first.ledger.beforeWrite = async (_, writes) => {
    if (!isFirst || !writes.some(({ record }) => record.linkDigest !== undefined)) return;
    isFirst = false;
    await second.activate(exportOf(emailOnly, { at: 60 }));
  };
  await first.activate(exportOf(both));
  expect(isFirst).toBe(false);
  expect((await first.rowOf('crmid', 'c1'))?.linkDigest).toBeUndefined();
  await open(first).activate(exportOf(both, { at: 120 }));
  expect(members(first)).toEqual(['c1']);
});

test('while another process tells the better identity its row loses the digest, and the destination is told once', async () => {
  const first = open();
  await first.activate(exportOf(both));
  const second = open(first);
  first.crm.onRequest = async () => {
    first.crm.onRequest = () => undefined;
    await second.activate(exportOf(emailOnly, { at: 60 }));
  };
  await first.activate(exportOf(both, { at: 30, firstName: 'Grace' }));
  expect(first.crm.story.filter((line) => line.endsWith(' c1'))).toHaveLength(2);
  expect((await first.rowOf('crmid', 'c1'))?.rowState.is).toBe('delivered');
  await open(first).activate(exportOf(both, { at: 120 }));
  expect(members(first)).toEqual(['c1']);
});

test('while another process takes a former identity out, its row remembers one more person, and the destination is told once', async () => {
  const first = open();
  await first.activate(exportOf(emailOnly));
  const second = open(first);
  first.crm.onRequest = async (changes) => {
    if (changes[0]?.kind !== 'exited') return;
    first.crm.onRequest = () => undefined;
    await second.activate(exportOf({ crmid: ['c2'], email: [email] }, { at: 60 }));
  };
  await first.activate(exportOf(both, { at: 120 }));
  expect(first.crm.story).toEqual([
    `entered sports-fans ${email}`,
    'entered sports-fans c1',
    'entered sports-fans c2',
    `exited sports-fans ${email}`,
  ]);
  const row = await first.rowOf('email', email);
  expect([row?.rowState.is, row?.formerOf?.map(({ value }) => value)]).toEqual(['delivered', ['c1', 'c2']]);
});

test('a row that is not there yet cannot get the digest beside its lease', async () => {
  const first = open(undefined, 0);
  const second = open(first);
  // The other identity is noted, and the lease is not written yet.
  let isFirst = true;
  first.ledger.beforeWrite = async (_, writes) => {
    if (!isFirst || !writes.some(({ record }) => record.rowState.is === 'leased')) return;
    isFirst = false;
    await Promise.resolve();
    await second.activate(exportOf(emailOnly, { at: 60 }));
  };
  await first.activate(exportOf(both));
  expect(isFirst).toBe(false);
  await open(first).activate(exportOf(both, { at: 120 }));
  expect(members(first)).toEqual(['c1']);
});

test('a new person whose other identity becomes a member while they are told gets no digest', async () => {
  const first = open(undefined, 0);
  const second = open(first);
  first.crm.onRequest = async () => {
    first.crm.onRequest = () => undefined;
    await second.activate(exportOf(emailOnly, { at: 60 }));
  };
  await first.activate(exportOf(both));
  const row = await first.rowOf('crmid', 'c1');
  expect([row?.rowState.is, row?.linkDigest]).toEqual(['delivered', undefined]);
  expect(first.crm.story).toHaveLength(2);
  await open(first).activate(exportOf(both, { at: 120 }));
  expect(members(first)).toEqual(['c1']);
});

test('of an address that more people share than a row can remember no person is left behind', async () => {
  const opened = open();
  const { activate, rowOf, ledger } = opened;
  const people = Array.from({ length: 100 }, (_, n) => `${String(n)}-${'x'.repeat(30)}`);
  for (const [n, person] of people.entries()) await activate(exportOf({ crmid: [person], email: [email] }, { at: n }));
  const remembered = (await rowOf('email', email))?.formerOf ?? [];
  expect(remembered.length).toBeGreaterThan(25);
  expect(
    JSON.stringify(remembered.map(({ namespace, value, linkDigest }) => [namespace, value, linkDigest])).length,
  ).toBeLessThanOrEqual(formerOfCharactersMax);
  let reads = 0;
  ledger.beforeRead = () => void (reads += 1);
  // Neither who is remembered costs anything, nor one of the others.
  for (const person of people) await activate(exportOf({ crmid: [person], email: [email] }));
  expect(reads).toBe(0);
  for (const [n, person] of [people[0] ?? '', people[99] ?? ''].entries()) {
    await activate(exportOf(emailOnly, { at: 200 + 2 * n }));
    await activate(exportOf({ crmid: [person], email: [email] }, { at: 201 + 2 * n }));
    expect(members(opened)).not.toContain(email);
  }
});

test('who entered under an identity by a newer export is looked at by each export of the other, until one is newer', async () => {
  const opened = open();
  const late = exportOf(both, { at: 0 });
  await opened.activate(exportOf(emailOnly, { at: 60 }));
  await opened.activate(late);
  expect(members(opened)).toEqual([email, 'c1']);
  expect((await opened.rowOf('crmid', 'c1'))?.linkDigest).toBeUndefined();
  await opened.activate(exportOf(both, { at: 120 }));
  expect(members(opened)).toEqual(['c1']);
});

test('a late export does not bring a former identity back that a newer one has, whose row was not looked at again', async () => {
  const opened = open();
  await opened.activate(exportOf(both));
  const late = exportOf(emailOnly, { at: 60 });
  // It moves the row of the better identity, which has the digest, and no other one.
  await opened.activate(exportOf(both, { at: 120 }));
  await opened.activate(late);
  expect(members(opened)).toEqual(['c1']);
  expect((await opened.rowOf('crmid', 'c1'))?.linkDigest).toHaveLength(16);
  await opened.activate(exportOf(emailOnly, { at: 180 }));
  expect(members(opened)).toEqual([email, 'c1']);
});

test('a former identity remembers the newest export of the person, also when an older one with more identities is looked at', async () => {
  const opened = open();
  await opened.activate(exportOf(both));
  await opened.activate(exportOf(both, { at: 120 }));
  await opened.activate(exportOf({ crmid: ['c1', 'c9'], email: [email] }, { at: 30 }));
  await opened.activate(exportOf(emailOnly, { at: 60 }));
  expect(members(opened)).toEqual(['c1']);
});
