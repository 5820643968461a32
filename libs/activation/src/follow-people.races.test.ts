import { replayDeadLetters } from '@activation-hub/delivery';
import { lease, ledgerKeyText, type Ledger } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  noonMs,
  openActivation,
  personExport,
  type PersonContent,
  type TestActivation,
} from '../testing/index.ts';

const { signal } = new AbortController();

function open(options: {
  readonly identity: string;
  readonly identities?: 'first' | 'all';
  readonly mode?: string;
  /** By the ECID; so it is by default. */
  readonly follow?: boolean;
  readonly ledger?: Ledger;
  readonly earlier?: TestActivation;
}) {
  return openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: ${options.identity}, identities: ${options.identities ?? 'first'}, ${options.follow === false ? '' : 'follow: ecid, '}attributes: { firstname: person.name.firstName }, mode: ${options.mode ?? 'live'} }
`,
    ...(options.ledger === undefined ? {} : { ledger: options.ledger }),
    ...(options.earlier === undefined ? {} : { ledger: options.earlier.context.ledger, destinations: options.earlier }),
  });
}

let sequenceNumber = 0;
/** An export of the person of one ECID, who has these other identities. */
function exportWith(identities: Readonly<Record<string, readonly string[]>>, content: PersonContent = {}) {
  sequenceNumber += 1;
  return eventOf(personExport({ ...content, identities: { ecid: ['e1'], ...identities } }), sequenceNumber);
}

test('a late export of which one identity is superseded leaves no row of a member behind under the others', async () => {
  const { activate, crm } = open({ identity: 'email', identities: 'all' });
  await activate(exportWith({ email: ['a@example.com'] }));
  await activate(exportWith({ email: ['a@example.com'] }, { at: 60, status: 'exited' }));
  await activate(exportWith({ email: ['a@example.com', 'b@example.com'] }, { at: 30 }));
  expect(crm.story).toEqual([
    'entered sports-fans a@example.com',
    'exited sports-fans a@example.com',
    'entered sports-fans b@example.com',
    'exited sports-fans b@example.com',
  ]);
});

test('of two exports in one batch the older leaves no row of a member behind under what only it has', async () => {
  const { activate, crm, outcomes } = open({ identity: 'email', identities: 'all' });
  await activate(
    exportWith({ email: ['a@example.com', 'b@example.com'] }),
    exportWith({ email: ['a@example.com'] }, { at: 60 }),
  );
  expect([...crm.members.keys()]).toEqual(['sports-fans a@example.com']);
  expect(outcomes()).toEqual({ 'crm superseded': 1, 'crm delivered': 3 });
});

test('many exports of one person in one batch are followed at once, whichever identity they are known under', async () => {
  const { activate, crm, retryQueue, outcomes } = open({ identity: 'email' });
  await activate(exportWith({ email: ['a@example.com'] }));
  await activate(
    ...Array.from({ length: 20 }, (_, n) => exportWith({ phone: [`+4915${n}`] }, { firstName: `Name ${n}` })),
  );
  expect([...crm.members.keys()]).toEqual([]);
  expect(retryQueue.nextDueAtMs).toBeUndefined();
  expect(outcomes()).toEqual({ 'crm delivered': 2, 'crm unresolved': 20 });
});

test('an export without an identity that the route accepts is remembered, so that a late one leaves no row of a member behind', async () => {
  const { activate, crm } = open({ identity: 'email' });
  await activate(exportWith({}));
  await activate(exportWith({}, { at: 60 }));
  await activate(exportWith({ email: ['a@example.com'] }, { at: 30 }));
  expect(crm.story).toEqual(['entered sports-fans a@example.com', 'exited sports-fans a@example.com']);
});

test('a new qualification under the same identity is found by a late export that has a better one', async () => {
  const { activate, crm } = open({ identity: '[crmid, email]' });
  await activate(exportWith({ email: ['a@example.com'] }));
  await activate(exportWith({ email: ['a@example.com'] }, { at: 60 }));
  await activate(exportWith({ crmid: ['c1'] }, { at: 30 }));
  expect([...crm.members.keys()]).toEqual(['sports-fans a@example.com']);
});

test('an exit under a former identity that is rejected is a dead letter, and its replay takes the person out', async () => {
  const { activate, crm, letters, context, retryDue, clock } = open({ identity: '[crmid, email]' });
  await activate(exportWith({ email: ['a@example.com'] }));
  crm.answer = ({ id, kind }) =>
    kind === 'exited' ? { id, status: 'rejected', reason: 'locked' } : { id, status: 'delivered' };
  await activate(exportWith({ crmid: ['c1'] }, { at: 60 }));
  expect([...crm.members.keys()]).toEqual(['sports-fans a@example.com', 'sports-fans c1']);
  expect(letters()).toMatchObject([{ outcome: 'rejected' }]);
  const { handed } = crm;
  const count = handed.length;
  await activate(exportWith({ crmid: ['c1'] }, { at: 60 }));
  expect(handed).toHaveLength(count);

  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const names: string[] = [];
  for await (const name of context.deadLetters.names('', signal)) names.push(name);
  await replayDeadLetters(names, {}, context, { clock: context.clock, signal });
  clock.nowMs += 60_000;
  expect(await retryDue()).toBeGreaterThan(0);
  expect([...crm.members.keys()]).toEqual(['sports-fans c1']);
  expect(letters()).toEqual([]);
});

test('a former identity that another process is taking out stays in the link until it is out', async () => {
  const { activate, crm, context, clock } = open({ identity: '[crmid, email]' });
  await activate(exportWith({ email: ['a@example.com'] }));
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'a@example.com' } };
  const [row] = await readable(context.ledger).read([key], signal);
  if (row === undefined) throw new Error('There is no row.');
  // A process that takes the person out as of a newer export, and crashes.
  const known = { ...row.record.known, isMember: false, qualifiedAtMs: noonMs + 60_000, content: '' };
  const record = lease(
    row.record,
    { state: known, attributes: {} },
    { holder: 'crashed', expiresAtMs: clock.nowMs + 1 },
  );
  await context.ledger.write([{ key, record, expected: row.version }], signal);
  await activate(exportWith({ crmid: ['c1'] }, { at: 30 }));
  clock.nowMs += 2;
  await activate(exportWith({ crmid: ['c2'] }, { at: 60 }));
  expect([...crm.members.keys()]).toEqual(['sports-fans c2']);
});

test('a paused route takes no person out, and does when it is live again', async () => {
  const live = open({ identity: '[crmid, email]' });
  await live.activate(exportWith({ email: ['a@example.com'] }));
  const paused = open({ identity: '[crmid, email]', mode: 'paused', earlier: live });
  await paused.activate(exportWith({ crmid: ['c1'] }, { at: 60 }));
  expect([...live.crm.members.keys()]).toEqual(['sports-fans a@example.com']);
  const again = open({ identity: '[crmid, email]', earlier: live });
  await again.activate(exportWith({ crmid: ['c1'] }, { at: 60 }));
  expect([...live.crm.members.keys()]).toEqual(['sports-fans c1']);
});

test('a person who comes back to an identity within one batch stays in the destination under it', async () => {
  const { activate, crm } = open({ identity: 'email' });
  await activate(exportWith({ email: ['a@example.com', 'b@example.com'] }));
  await activate(exportWith({}), exportWith({ email: ['a@example.com'] }));
  expect([...crm.members.keys()]).toEqual(['sports-fans a@example.com']);
});

test('a person who was out under an identity when the links moved on is looked for when it comes back', async () => {
  const { activate, crm } = open({ identity: '[crmid, email]' });
  await activate(exportWith({ crmid: ['c1'] }, { status: 'exited' }));
  await activate(exportWith({}, { status: 'exited' }));
  await activate(exportWith({ email: ['a@example.com'] }, { at: 60 }), exportWith({ crmid: ['c1'] }, { at: 60 }));
  expect([...crm.members.keys()]).toEqual(['sports-fans c1']);
});

test('a person whose lease was lost is followed all the same', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm } = open({ identity: 'email', identities: 'all', ledger });
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'a@example.com' } };
  const both = { email: ['a@example.com', 'b@example.com'] };
  // While both are told, another process marks the row of the first: its settling is lost, and it
  // is told again.
  crm.onRequest = async () => {
    const [row] = await readable(ledger).read([key], signal);
    if (row !== undefined && crm.requests === 1) await ledger.overwrite(key, { ...row.record, inDoubt: true });
  };
  await activate(exportWith(both));
  await activate(exportWith({ email: ['a@example.com'] }, { at: 60 }));
  expect([...crm.members.keys()]).toEqual(['sports-fans a@example.com']);
});

test('a person of whom the cache knows one row and not the other is followed by both', async () => {
  const { activate, crm, context, clock } = open({ identity: 'email', identities: 'all' });
  const both = { email: ['a@example.com', 'b@example.com'] };
  const rowKey = (value: string) => ({ ...fansKey(), identity: { namespace: 'email', value } });
  await activate(exportWith(both));
  const [first] = await readable(context.ledger).read([rowKey('a@example.com')], signal);
  await activate(exportWith({ email: ['a@example.com'] }));
  // Another worker did that: what this one remembers of the first row is from before.
  if (first !== undefined) context.ledgerCache.set(ledgerKeyText(rowKey('a@example.com')), first, clock.nowMs);
  await activate(exportWith(both));
  await activate(exportWith({ email: ['a@example.com'] }));
  expect([...crm.members.keys()]).toEqual(['sports-fans a@example.com']);
});

test.each([
  ['before the link moves', 'crm~link'],
  ['after the link has moved', 'crm'],
])('an export that comes back %s is not taken for one that was looked at', async (_, destination) => {
  const ledger = new DisturbedLedger();
  const first = open({ identity: 'email', identities: 'all', ledger });
  const other = open({ identity: 'email', identities: 'all', earlier: first });
  await first.activate(exportWith({ email: ['a@example.com'] }));
  const both = exportWith({ email: ['a@example.com', 'b@example.com'] });
  const back = exportWith({ email: ['a@example.com'] }, { at: 60 });
  let hasMoved = destination === 'crm~link';
  let cameBack = false;
  ledger.beforeWrite = async (_n, writes) => {
    const destinations = writes.map(({ key }) => key.destination);
    if (destinations.includes('crm~link') && !hasMoved) hasMoved = true;
    else if (hasMoved && !cameBack && destinations.includes(destination)) {
      cameBack = true;
      await other.activate(back);
    }
  };
  await first.activate(both);
  expect(cameBack).toBe(true);
  expect([...first.crm.members.keys()]).toEqual(['sports-fans a@example.com']);
});

test.each([
  ['that changes nothing', 'realized', 0, ['sports-fans a@example.com']],
  ['with a new qualification', 'realized', 60, ['sports-fans a@example.com']],
  ['with an exit', 'exited', 60, []],
] as const)(
  'when a route takes one identity that took all, the next export %s takes the others out',
  async (_, status, at, members) => {
    for (const follow of [true, false]) {
      const all = open({ identity: 'email', identities: 'all', follow });
      await all.activate(exportWith({ email: ['a@example.com', 'b@example.com'] }));
      const one = open({ identity: 'email', identities: 'first', follow, earlier: all });
      await one.activate(exportWith({ email: ['a@example.com', 'b@example.com'] }, { status, at }));
      expect([...one.crm.members.keys()]).toEqual(members);
    }
  },
);
