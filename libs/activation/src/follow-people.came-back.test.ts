import { DestinationError } from '@activation-hub/destination-kit';
import { ledgerKeyText } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  type TestActivation,
} from '../testing/index.ts';

type Identities = Readonly<Record<string, readonly string[]>>;
interface Export {
  readonly identities: Identities;
  readonly status?: 'realized' | 'exited';
  readonly at?: number;
  readonly consent?: string;
}

/**
 * A route that follows nothing. Each batch is given as bodies; those of one body have one state.
 */
function open(isCached: boolean, ledger = new DisturbedLedger()): TestActivation {
  return openActivation({
    ledger,
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate: [{ destination: crm, identity: [crmid, email] }]
`,
    cache: isCached ? {} : { ageMaxMs: -1 },
  });
}

const bodyOf = (exports: readonly Export[], number: number) =>
  eventOf(
    exports.map((each) => personExport(each)),
    number,
  );
const members = ({ crm }: TestActivation): readonly string[] =>
  [...crm.members.keys()].map((key) => key.replace('sports-fans ', '')).toSorted();
const told = ({ crm }: TestActivation): readonly string[] =>
  crm.told.map(({ kind, identity }) => `${kind} ${identity.value}`);

const better: Export = { identities: { crmid: ['C-1'], email: ['p@example.com'] } };
const lower: Export = { identities: { email: ['p@example.com'] } };

test.each([true, false])(
  'a body in which a better identity appears, given again, leaves the person under that one (cached: %s)',
  async (isCached) => {
    const opened = open(isCached);
    const body = bodyOf([lower, better], 1);
    for (let time = 0; time < 3; time += 1) {
      await opened.activate(body);
      expect(members(opened)).toEqual(['C-1']);
    }
  },
);

test.each([true, false])(
  'a body in which a value appears that sorts first, given again, leaves the person under that one (cached: %s)',
  async (isCached) => {
    const opened = open(isCached);
    const body = bodyOf([{ identities: { email: ['b'] } }, { identities: { email: ['a', 'b'] } }], 1);
    for (let time = 0; time < 3; time += 1) {
      await opened.activate(body);
      expect(members(opened)).toEqual(['a']);
    }
  },
);

test.each([
  ['as a member', better, ['C-1']],
  ['as an exit', { ...better, status: 'exited', at: 60 }, []],
  ['as withdrawn consent', { ...better, consent: 'n' }, []],
] as const)(
  'an identity that comes back with the next export of the batch %s takes the one out that was told in between',
  async (_, last, expected) => {
    for (const isCached of [true, false]) {
      const opened = open(isCached);
      await opened.activate(bodyOf([better], 1));
      const batch = [bodyOf([lower], 2), bodyOf([last], 3)];
      await opened.activate(...batch);
      expect(members(opened)).toEqual(expected);
      await opened.activate(...batch);
      expect(members(opened)).toEqual(expected);
    }
  },
);

test('an identity that comes back while its change is deferred is looked at by the retry of that change', async () => {
  const opened = open(true);
  const { crm, clock, retryDue } = opened;
  await opened.activate(bodyOf([better], 1));
  crm.onRequest = (changes) => {
    if (changes.some(({ kind }) => kind === 'exited')) throw new DestinationError('transient', 'Not reached.');
  };
  await opened.activate(bodyOf([lower], 2), bodyOf([{ ...better, status: 'exited', at: 60 }], 3));
  expect(members(opened)).toEqual(['C-1', 'p@example.com']);
  crm.onRequest = () => undefined;
  clock.nowMs += 3_600_000;
  await retryDue();
  expect(members(opened)).toEqual([]);
});

test('an identity that comes back in an outage by an older export does not enter beside the newer exit that waits', async () => {
  const opened = open(true);
  const { crm, clock, retryDue } = opened;
  await opened.activate(bodyOf([better], 1));
  crm.onRequest = (changes) => {
    if (changes.some(({ identity }) => identity.value === 'C-1'))
      throw new DestinationError('transient', 'Not reached.');
  };
  await opened.activate(bodyOf([{ ...better, status: 'exited', at: 60 }], 2));
  crm.onRequest = ([change]) => {
    if (change?.kind === 'exited') throw new DestinationError('transient', 'Not reached.');
  };
  await opened.activate(bodyOf([{ ...lower, at: 30 }], 3), bodyOf([{ ...better, status: 'exited', at: 60 }], 4));
  crm.onRequest = () => undefined;
  expect(members(opened)).toEqual(['C-1']);
  clock.nowMs += 3_600_000;
  await retryDue();
  expect(members(opened)).toEqual([]);
});

test('an identity that another person of the batch has stays when that export is the newer one', async () => {
  const opened = open(true);
  await opened.activate(bodyOf([better], 1));
  await opened.activate(bodyOf([better], 2), bodyOf([lower], 3));
  await opened.activate(bodyOf([better], 2), bodyOf([lower], 3));
  expect(told(opened)).toEqual(['entered C-1', 'entered p@example.com']);
});

test('who changes nothing is looked at only when the batch brings one of the other identities', async () => {
  const opened = open(true);
  const { activate, counter } = opened;
  await activate(bodyOf([better, { identities: { email: ['q@example.com'] } }], 1));
  const asked = (): readonly number[] => [counter('ledger-reads'), counter('ledger-writes')];
  const before = asked();
  await activate(bodyOf([better, { identities: { email: ['q@example.com'] } }], 2));
  expect(asked()).toEqual(before);
});

test('while another process has the row of the other identity, one retry brings the body again, and no second one', async () => {
  const ledger = new DisturbedLedger();
  const opened = open(true, ledger);
  const { clock, activate, retryDue } = opened;
  const body = bodyOf([lower, better], 1);
  await activate(body);
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'p@example.com' } };
  const [row] = await ledger.read([key], new AbortController().signal);
  if (row === undefined) throw new Error('There is no row.');
  const rowState = { is: 'leased', holder: 'another', expiresAtMs: clock.nowMs + 60_000 } as const;
  await ledger.overwrite(key, { ...row.record, rowState });
  await activate(body);
  clock.nowMs += 3_600_000;
  expect(await retryDue()).toBe(1);
  expect(members(opened)).toEqual(['C-1']);
});

const e = (n: number) => `e${n}@example.com`;
const c0 = ['C-0'];

test('while another process has a row that two exports of a body have, one retry brings the body again', async () => {
  const ledger = new DisturbedLedger();
  const opened = open(false, ledger);
  const { clock, activate, retryQueue } = opened;
  const body = bodyOf([{ identities: { email: [e(0), e(1)] } }, { identities: { email: [e(0)] } }], 1);
  await activate(body);
  const key = { ...fansKey(), identity: { namespace: 'email', value: e(0) } };
  const [row] = await ledger.read([key], new AbortController().signal);
  if (row === undefined) throw new Error('There is no row.');
  const rowState = { is: 'leased', holder: 'another', expiresAtMs: clock.nowMs + 60_000 } as const;
  await ledger.overwrite(key, { ...row.record, rowState });
  await activate(body);
  expect(await Array.fromAsync(retryQueue.waiting(new AbortController().signal))).toHaveLength(1);
});

test('who is known in one body without and with another identity, the former last, leaves with the exit of the latter', async () => {
  const opened = open(true);
  await opened.activate(bodyOf([{ identities: { email: [e(0), e(1)] } }, { identities: { email: [e(1)] } }], 1));
  expect(members(opened)).toEqual([e(0), e(1)]);
  await opened.activate(bodyOf([{ identities: { email: [e(0), e(1)] }, status: 'exited' }], 2));
  expect(members(opened)).toEqual([]);
});

test('who came last in a body stays, when an older body with the better identity is retried alone', async () => {
  const opened = open(false);
  const { activate, crm, clock, retryDue } = opened;
  crm.onRequest = (changes) => {
    if (changes.length > 1) throw new DestinationError('transient', 'Not now.');
  };
  const newer = bodyOf(
    [
      { identities: { crmid: c0, email: [e(0), e(1)] }, at: 60 },
      { identities: { email: [e(1)] }, at: 60 },
    ],
    1,
  );
  const older = bodyOf(
    [{ crmid: c0, email: [e(0)] }, { email: [e(0)] }, { crmid: c0, email: [e(0), e(1)] }].map((identities) => ({
      identities,
    })),
    2,
  );
  await activate(newer, older);
  crm.onRequest = () => undefined;
  for (let n = 0; n < 4; n += 1) {
    clock.nowMs += 3_600_000;
    await retryDue();
  }
  expect(members(opened)).toEqual(['C-0', e(1)]);
});

test('of a body that an open circuit holds back the retry knows which identity comes last', async () => {
  const opened = open(true);
  const { activate, crm, clock, retryDue } = opened;
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not now.');
  };
  await activate(
    bodyOf(
      [
        { ...better, at: 60 },
        { ...lower, at: 60 },
      ],
      3,
    ),
  );
  for (let n = 0; n < 12; n += 1) await activate(bodyOf([{ identities: { crmid: [`other-${n}`] } }], 4 + n));
  await activate(
    bodyOf(
      [
        { ...lower, at: 90 },
        { ...better, at: 90 },
      ],
      20,
    ),
  );
  crm.onRequest = () => undefined;
  for (let n = 0; n < 4; n += 1) {
    clock.nowMs += 3_600_000;
    await retryDue();
  }
  expect(members(opened)).not.toContain('p@example.com');
});

test('withdrawn consent that changes nothing in its row stands, when the older export of its batch is retried alone', async () => {
  const opened = open(true);
  const { activate, clock, retryDue } = opened;
  await activate(bodyOf([{ identities: { email: [e(0), e(1)] } }], 1));
  await activate(
    bodyOf([{ identities: { email: [e(1), e(2)] } }], 2),
    bodyOf([{ identities: { email: [e(1)] }, consent: 'n' }], 3),
  );
  for (let n = 0; n < 4; n += 1) {
    clock.nowMs += 3_600_000;
    await retryDue();
  }
  expect(told(opened)).toEqual([`entered ${e(0)}`]);
});

test('a retry that changes nothing in its row is the newest there, for a look at an older export that comes later', async () => {
  const ledger = new DisturbedLedger();
  const opened = open(true, ledger);
  const { activate, crm, clock, retryDue } = opened;
  await activate(bodyOf([lower], 1));
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'p@example.com' } };
  const [row] = await ledger.read([key], new AbortController().signal);
  if (row === undefined) throw new Error('There is no row.');
  const rowState = { is: 'leased', holder: 'another', expiresAtMs: clock.nowMs + 60_000 } as const;
  await ledger.overwrite(key, { ...row.record, rowState });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  await activate(bodyOf([better], 2));
  crm.onRequest = () => undefined;
  opened.context.ledgerCache.delete(ledgerKeyText(key));
  await activate(bodyOf([lower], 3));
  await ledger.overwrite(key, row.record);
  // The retry of the third body comes before that of the second.
  clock.nowMs += 3_000;
  expect(await retryDue()).toBe(1);
  clock.nowMs += 3_600_000;
  await retryDue();
  expect(members(opened)).toEqual(['C-1', 'p@example.com']);
});
