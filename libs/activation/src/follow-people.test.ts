import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  openActivation,
  personExport,
  type PersonContent,
} from '../testing/index.ts';
import { lease, settle } from '@activation-hub/membership';

const { signal } = new AbortController();
const fileOf = (route: string): string => `
version: 1
destinations:
  crm: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate: [{ destination: crm, ${route}, attributes: { firstname: person.name.firstName } }]
`;

function openFollowing(route: string, ledger = new DisturbedLedger()) {
  const opened = openActivation({ file: fileOf(route), ledger });
  let sequenceNumber = 0;
  return {
    ...opened,
    ledger,
    /** One export after the other, each an event of its own. */
    tell: async (...exports: readonly PersonContent[]): Promise<void> => {
      for (const content of exports) await opened.activate(eventOf(personExport(content), (sequenceNumber += 1)));
    },
    members: () => [...opened.crm.members.keys()].toSorted(),
    passTime: async (): Promise<void> => {
      while (opened.retryQueue.nextDueAtMs !== undefined) {
        opened.clock.nowMs = Math.max(opened.clock.nowMs, opened.retryQueue.nextDueAtMs);
        await opened.retryDue();
      }
    },
  };
}

const ecid = ['11111111111111111111111111111111111111'];
const byEmail: PersonContent = { identities: { email: ['p@example.com'], ecid } };
const byBoth: PersonContent = { identities: { email: ['p@example.com'], crmid: ['C-1'], ecid } };

test('when a better identity appears, it enters, and the one before leaves after it', async () => {
  const { tell, crm, members, outcomes } = openFollowing('identity: [crmid, email]');
  await tell(byEmail, byBoth);
  expect(crm.story).toEqual([
    'entered sports-fans p@example.com',
    'entered sports-fans C-1',
    'exited sports-fans p@example.com',
  ]);
  expect(members()).toEqual(['sports-fans C-1']);
  expect(outcomes()).toEqual({ 'crm delivered': 3 });
});

test('an exit with consent withdrawn takes the person out under every identity that the destination knows', async () => {
  const { tell, members } = openFollowing('identity: [crmid, email]');
  await tell(byEmail, { ...byBoth, status: 'exited', at: 60, consent: 'n' });
  expect(members()).toEqual([]);
});

test('when a smaller value sorts first, the one before leaves', async () => {
  const { tell, members } = openFollowing('identity: ecid');
  await tell({ identities: { ecid: ['50000'] } }, { identities: { ecid: ['50000', '10000'] } });
  expect(members()).toEqual(['sports-fans 10000']);
  await tell({ identities: { ecid: ['50000', '10000'] }, status: 'exited', at: 60 });
  expect(members()).toEqual([]);
});

test('when an e-mail address changes, the person is found by what the route follows', async () => {
  const { tell, crm, members } = openFollowing('identity: email, follow: crmid');
  const person = (email: string): PersonContent => ({ identities: { email: [email], crmid: ['C-1'] } });
  await tell(person('old@example.com'), person('new@example.com'));
  expect(crm.story.slice(-2)).toEqual(['entered sports-fans new@example.com', 'exited sports-fans old@example.com']);
  expect(members()).toEqual(['sports-fans new@example.com']);
  // And back again, which the rows must not take for something that was looked at.
  await tell(person('old@example.com'));
  expect(members()).toEqual(['sports-fans old@example.com']);
  await tell({ ...person('old@example.com'), consent: 'n' });
  expect(members()).toEqual([]);
});

test('without an identity that the route accepts, the person leaves under the one before', async () => {
  const { tell, members, outcomes, counter } = openFollowing('identity: email, follow: ecid');
  await tell(byEmail, { identities: { ecid } });
  expect(members()).toEqual([]);
  expect(outcomes()).toEqual({ 'crm delivered': 2, 'crm unresolved': 1 });
  const [reads, writes] = [counter('ledger-reads'), counter('ledger-writes')];
  await tell({ identities: { ecid } });
  expect([counter('ledger-reads'), counter('ledger-writes')]).toEqual([reads, writes]);
});

test('of all identities, the one that vanishes leaves', async () => {
  const { tell, members } = openFollowing('identity: email, identities: all, follow: ecid');
  await tell({ identities: { ecid, email: ['a@example.com', 'b@example.com'] } });
  expect(members()).toEqual(['sports-fans a@example.com', 'sports-fans b@example.com']);
  await tell({ identities: { ecid, email: ['b@example.com'] } });
  expect(members()).toEqual(['sports-fans b@example.com']);
});

test('an older export that comes late does not bring a former identity back', async () => {
  const { activate, members, crm } = openFollowing('identity: [crmid, email]');
  await activate(eventOf(personExport({ ...byBoth, at: 60 }), 2));
  await activate(eventOf(personExport({ ...byEmail, at: 0 }), 1));
  expect(members()).toEqual(['sports-fans C-1']);
  expect(crm.story).toEqual(['entered sports-fans C-1']);
});

test('two exports of one person in one batch end with the identity of the newer one', async () => {
  const { activate, members } = openFollowing('identity: email, follow: crmid');
  const person = (email: string) => personExport({ identities: { email: [email], crmid: ['C-1'] } });
  await activate(eventOf(person('old@example.com'), 1), eventOf(person('new@example.com'), 2));
  expect(members()).toEqual(['sports-fans new@example.com']);
});

test('an export that changes nothing costs no read and no write, whatever identities it has', async () => {
  const { tell, counter } = openFollowing('identity: [crmid, email], follow: ecid');
  await tell(byEmail, byBoth, byBoth);
  const [reads, writes] = [counter('ledger-reads'), counter('ledger-writes')];
  await tell(byBoth, byBoth);
  expect([counter('ledger-reads'), counter('ledger-writes')]).toEqual([reads, writes]);
});

test('while the new identity cannot enter, the old one stays, and leaves when the retry has told the new one', async () => {
  const { tell, crm, members, passTime } = openFollowing('identity: [crmid, email]');
  await tell(byEmail);
  crm.answer = ({ id, identity }) =>
    identity.namespace === 'crmid' ? { id, status: 'retry', reason: 'locked' } : { id, status: 'delivered' };
  await tell(byBoth);
  expect(members()).toEqual(['sports-fans p@example.com']);
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await passTime();
  expect(members()).toEqual(['sports-fans C-1']);
});

test('an exit of a former identity that the destination does not take is told by a retry', async () => {
  const { tell, crm, members, passTime } = openFollowing('identity: [crmid, email]');
  await tell(byEmail);
  crm.answer = ({ id, kind }) =>
    kind === 'exited' ? { id, status: 'retry', reason: 'locked' } : { id, status: 'delivered' };
  await tell(byBoth);
  expect(members()).toEqual(['sports-fans C-1', 'sports-fans p@example.com']);
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await passTime();
  expect(members()).toEqual(['sports-fans C-1']);
});

test('a former identity under the lease of another process is looked at again when that has expired', async () => {
  const { tell, ledger, members, passTime, clock } = openFollowing('identity: [crmid, email]');
  await tell(byEmail);
  const key = {
    destination: 'crm',
    identity: { namespace: 'email', value: 'p@example.com' },
    audience: { namespace: 'ups', id: fansId },
  };
  const [row] = await ledger.read([key], signal);
  if (row === undefined) throw new Error('there is no row');
  const { known: state, attributes } = row.record;
  const leased = lease(row.record, { state, attributes }, { holder: 'other', expiresAtMs: clock.nowMs + 60_000 });
  await ledger.overwrite(key, leased);
  await tell(byBoth);
  expect(members()).toEqual(['sports-fans C-1', 'sports-fans p@example.com']);
  await ledger.overwrite(key, settle(leased, 'delivered'));
  await passTime();
  expect(members()).toEqual(['sports-fans C-1']);
});

test('when a link is written by another process in between, the person is looked at again', async () => {
  const { tell, ledger, members } = openFollowing('identity: email, follow: crmid');
  const person = (email: string): PersonContent => ({ identities: { email: [email], crmid: ['C-1'] } });
  await tell(person('old@example.com'));
  let isDisturbed = false;
  ledger.beforeWrite = async () => {
    if (isDisturbed) return;
    for await (const { key, record } of ledger.rows({ destination: 'crm~link' }, signal)) {
      isDisturbed = true;
      await ledger.overwrite(key, record);
    }
  };
  await tell(person('new@example.com'));
  expect(isDisturbed).toBe(true);
  expect(members()).toEqual(['sports-fans new@example.com']);
});

test('a shadow route follows people in its own rows, and tells the destination nothing', async () => {
  const { tell, ledger, crm } = openFollowing('identity: [crmid, email], mode: shadow');
  await tell(byEmail, byBoth);
  expect(crm.requests).toBe(0);
  const rows = new Map<string, boolean>();
  for await (const { key, record } of ledger.rows({ destination: 'crm~shadow' }, signal))
    rows.set(key.identity.value, record.known.isMember);
  expect(rows).toEqual(
    new Map([
      ['p@example.com', false],
      ['C-1', true],
    ]),
  );
});

test('the destination learns on an update what it took before, and nothing on an exit', async () => {
  const { tell, crm } = openFollowing('identity: crmid');
  await tell({ firstName: 'Ada' }, { firstName: 'Grace' }, { status: 'exited', at: 60 });
  expect(crm.told.map(({ kind, previousAttributes }) => [kind, previousAttributes])).toEqual([
    ['entered', undefined],
    ['updated', { firstname: 'Ada' }],
    ['exited', undefined],
  ]);
});

test('attributes that no row could keep are a dead letter, and the destination is told nothing', async () => {
  const { tell, crm, letters, outcomes } = openFollowing('identity: crmid');
  await tell({ firstName: 'x'.repeat(200_000) });
  expect(crm.requests).toBe(0);
  expect(outcomes()).toEqual({ 'crm rejected': 1 });
  expect(letters()).toMatchObject([{ outcome: 'rejected', class: 'too-large' }]);
  await tell({ firstName: 'Ada' });
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('an identity that cannot be read is not replaced by a lower one, and costs no other route', async () => {
  const readable = personExport({ identities: { email: ['p@example.com'] } });
  const broken = { ...readable, identityMap: { email: [{ id: 'p@example.com' }], crmid: [{ id: 7 }] } };
  const higher = openFollowing('identity: [crmid, email]');
  await higher.activate(eventOf(broken, 1));
  expect(higher.outcomes()).toEqual({ 'crm unresolved': 1 });
  for (const route of ['identity: email', 'identity: [email, crmid]']) {
    const other = openFollowing(route);
    await other.activate(eventOf(broken, 1));
    expect(other.crm.story).toEqual(['entered sports-fans p@example.com']);
  }
});

test('identities that no row could keep are taken for none', async () => {
  const { tell, crm, outcomes } = openFollowing('identity: crmid, follow: ecid');
  await tell({ identities: { crmid: ['x'.repeat(20_000)], ecid: ['y'.repeat(20_000)] } });
  expect(crm.requests).toBe(0);
  expect(outcomes()).toEqual({ 'crm unresolved': 1 });
});
