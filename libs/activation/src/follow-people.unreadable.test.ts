import type { JsonObject } from '@activation-hub/audience-events';
import { isUnreadable } from '@activation-hub/delivery';
import { linkKey, type LedgerKey } from '@activation-hub/membership';
import { readable, SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  fansKey,
  memberAt,
  openActivation,
  personExport,
  putRow,
  rowOf,
  travellersId,
} from '../testing/index.ts';

const { signal } = new AbortController();
const keyOf = (namespace: string, value: string): LedgerKey => ({ ...fansKey(), identity: { namespace, value } });
const former = keyOf('email', 'a@example.com');
const both = { crmid: ['p1'], email: ['a@example.com'] };
const mail = { email: ['a@example.com'] };

/** A hub that knows a person by the address, and then a part of what it knows cannot be read. */
async function open(spoiled: LedgerKey, follow = '') {
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email]${follow} }] }
`;
  const ledger = new SpoilableLedger();
  const first = openActivation({ ledger, file });
  await first.activate(eventOf(personExport({ identities: mail }), 1));
  const { crm, ads, retryQueue } = first;
  const opened = openActivation({ ledger, file, retryQueue, destinations: { crm, ads } });
  await ledger.spoil(spoiled);
  const waiting = async () =>
    (await Array.fromAsync(retryQueue.waiting(signal))).map((retry) => (isUnreadable(retry) ? '' : retry.class));
  const retryNext = async (): Promise<void> => {
    opened.clock.nowMs = Math.max(opened.clock.nowMs, retryQueue.nextDueAtMs ?? 0);
    await opened.retryDue();
  };
  const digestOf = async (key: LedgerKey) => (await readable(ledger).read([key], signal))[0]?.record.linkDigest;
  return { ...opened, ledger, waiting, retryNext, digestOf };
}

test('a look waits while the row of a former identity cannot be read, and others are looked at', async () => {
  const { activate, crm, waiting, retryNext, ledger, digestOf, lines } = await open(former);
  const other = { crmid: ['p2'], email: ['b@example.com'] };
  await activate(
    eventOf(personExport({ identities: both, at: 60 }), 2),
    eventOf(personExport({ identities: other, at: 60 }), 3),
  );
  expect(crm.story.slice(1)).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
  expect(await digestOf(fansKey())).toBeUndefined();
  expect(await digestOf(fansKey('p2'))).toBeDefined();
  expect(await waiting()).toEqual(['row-unreadable']);
  await retryNext();
  expect(await waiting()).toEqual(['row-unreadable']);
  expect(lines.filter((line) => line.includes('"rows-unreadable"'))).toHaveLength(1);
  ledger.mend();
  await retryNext();
  expect(crm.story.slice(-1)).toEqual(['exited sports-fans a@example.com']);
  expect(await digestOf(fansKey())).toBeDefined();
  expect(await waiting()).toEqual([]);
});

test('a look that has waited for too long ends without a digest, so that the next export looks', async () => {
  const { activate, clock, waiting, retryNext, ledger, digestOf, letters, crm } = await open(former);
  await activate(eventOf(personExport({ identities: both, at: 60 }), 2));
  clock.nowMs += 86_400_000;
  await retryNext();
  expect(await waiting()).toEqual([]);
  expect(letters()).toEqual([]);
  expect(await digestOf(fansKey())).toBeUndefined();
  ledger.mend();
  await activate(eventOf(personExport({ identities: both, at: 60 }), 3));
  expect(crm.story.slice(-1)).toEqual(['exited sports-fans a@example.com']);
});

test.each(['a row of tomorrow', 'no link'])('a link that cannot be read is not taken for none: %s', async (how) => {
  const ecid = { namespace: 'ecid', value: 'e1' };
  const followed = { ...mail, ecid: ['e1'] };
  const link = linkKey(fansKey(), ecid);
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: email, follow: ecid }] }
`;
  const ledger = new SpoilableLedger();
  const first = openActivation({ ledger, file });
  await first.activate(eventOf(personExport({ identities: followed }), 1));
  const { crm, ads, retryQueue } = first;
  const { activate, clock, retryDue } = openActivation({ ledger, file, retryQueue, destinations: { crm, ads } });
  const [before] = await readable(ledger).read([link], signal);
  if (how === 'no link') await putRow(ledger, link, rowOf(memberAt()));
  else await ledger.spoil(link);
  await activate(eventOf(personExport({ identities: { email: ['b@example.com'], ecid: ['e1'] }, at: 60 }), 2));
  expect(crm.story).toEqual(['entered sports-fans a@example.com', 'entered sports-fans b@example.com']);
  ledger.mend();
  if (before !== undefined) await putRow(ledger, link, before.record);
  clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs ?? 0);
  await retryDue();
  expect(crm.story.slice(-1)).toEqual(['exited sports-fans a@example.com']);
});

test('a retry that brings the event anyway looks, and no second one is put', async () => {
  const { activate, waiting, ledger } = await open(former);
  await ledger.write([], signal);
  await activate(eventOf([personExport({ identities: both, at: 60 }), personExport({ identities: mail, at: 30 })], 2));
  expect(await waiting()).toEqual(['row-unreadable']);
});

test('a person who is expected to have no link is not looked at where there is one that cannot be read', async () => {
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email], follow: ecid }] }
`;
  const ledger = new SpoilableLedger();
  const { activate, crm, context, retryQueue } = openActivation({ ledger, file, cache: { expectAfterKeys: 1 } });
  const link = linkKey(fansKey(), { namespace: 'ecid', value: 'e1' });
  await putRow(ledger, link, rowOf(memberAt()));
  await ledger.spoil(link);
  await putRow(ledger, former, rowOf(memberAt()));
  for (let n = 0; n < 3; n += 1) context.ledgerCache.countLookedFor(link.destination, false);
  await activate(eventOf(personExport({ identities: { ...both, ecid: ['e1'] }, at: 60 }), 2));
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toMatchObject([{ class: 'row-unreadable' }]);
});

const fileOfTwo = `
version: 1
destinations: { crm: { type: recording }, ads: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: [crmid, email] }, { destination: ads, identity: [crmid, email] }]
  travellers: { id: ${travellersId}, activate: [{ destination: crm, identity: crmid }] }
`;
const fan = personExport({ identities: both, at: 60 });
const otherFan = personExport({ person: 'p2', at: 60 });

/** What waits when the look of p1 at crm must, and a change that is refused. */
async function openBeside(refuses: 'crm' | 'ads', ...events: readonly (readonly JsonObject[])[]) {
  const ledger = new SpoilableLedger();
  const opened = openActivation({ ledger, file: fileOfTwo });
  await putRow(ledger, former, rowOf(memberAt()));
  await ledger.spoil(former);
  opened[refuses].answer = ({ id, audience, identity }) =>
    refuses === 'ads' || audience.key === 'travellers' || identity.value !== 'p1'
      ? { id, status: 'retry', reason: 'Not now.' }
      : { id, status: 'delivered' };
  await opened.activate(...events.map((exports, n) => eventOf(exports, n + 1)));
  const retries = await Array.fromAsync(opened.retryQueue.waiting(signal));
  return retries.map((retry) => (isUnreadable(retry) ? '' : `${retry.destination} ${retry.class}`)).toSorted();
}

test.each([
  ['of the event, for this destination and audience', 'crm', [[fan, otherFan]], ['crm transient']],
  ['of another event', 'crm', [[fan], [otherFan]], ['crm row-unreadable', 'crm transient']],
  ['for another destination', 'ads', [[fan]], ['ads transient', 'crm row-unreadable']],
  [
    'for another audience',
    'crm',
    [[fan, personExport({ person: 'p2', audienceId: travellersId, at: 60 })]],
    ['crm row-unreadable', 'crm transient'],
  ],
] as const)(
  'a look that waits has a retry of its own but where one brings it: %s',
  async (_, refuses, events, waiting) => {
    expect(await openBeside(refuses, ...events)).toEqual(waiting);
  },
);

test('a look that waits has no retry of its own where another look brings the event again', async () => {
  const ledger = new SpoilableLedger();
  const { activate, retryQueue, clock } = openActivation({ ledger, file: fileOfTwo });
  await putRow(ledger, former, rowOf(memberAt()));
  await ledger.spoil(former);
  const rowState = { is: 'leased', holder: 'another', expiresAtMs: clock.nowMs + 120_000 } as const;
  await putRow(ledger, keyOf('email', 'p2@example.com'), rowOf(memberAt(), { rowState }));
  await activate(eventOf([fan, otherFan], 1));
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toMatchObject([{ destination: 'crm', class: 'transient' }]);
});
