import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport } from '../testing/index.ts';

/** What the protocol does not promise (docs/specs/ledger.md, section 12). */
function open(identity: string, follow = '') {
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: ${identity}${follow} }] }
`,
  });
  let sequenceNumber = 0;
  const give = (at: number, crmid: string | undefined, email: string) => {
    const identities = { ...(crmid === undefined ? {} : { crmid: [crmid] }), email: [email] };
    return opened.activate(eventOf(personExport({ identities, at }), (sequenceNumber += 1)));
  };
  const members = (): readonly string[] =>
    [...opened.crm.members.keys()].map((key) => key.replace('sports-fans ', '')).toSorted();
  return { ...opened, give, members };
}

test.each([
  ['after they qualified at one time, the other is until their next export', 0, 0, ['p'], ['p', 'q']],
  ['the other is out until they qualify anew', 0, 60, ['p'], ['p']],
] as const)(
  'of two people who exchange the identity of a route that follows them, the later one is known under it: %s',
  async (_, first, second, exchanged, afterTheNext) => {
    const { give, members } = open('email', ', follow: crmid');
    await give(first, 'a', 'p');
    await give(second, 'b', 'q');
    await give(first, 'a', 'q');
    await give(second, 'b', 'p');
    expect(members()).toEqual(exchanged);
    await give(first, 'a', 'q');
    expect(members()).toEqual(afterTheNext);
    await give(120, 'a', 'q');
    expect(members()).toEqual(['p', 'q']);
  },
);

test('an identity that goes to a person who qualified earlier enters for them when they qualify anew', async () => {
  const { give, members } = open('email', ', follow: crmid');
  await give(60, 'b', 'q');
  await give(60, 'b', 'r');
  await give(0, 'a', 'q');
  expect(members()).toEqual(['r']);
  await give(120, 'a', 'q');
  expect(members()).toEqual(['q', 'r']);
});

test('on a route that follows nothing, both identities that two people exchange stay', async () => {
  const { give, members } = open('email');
  await give(0, 'a', 'p');
  await give(60, 'b', 'q');
  await give(0, 'a', 'q');
  await give(60, 'b', 'p');
  expect(members()).toEqual(['p', 'q']);
});

test('who comes back in an outage, under an address whose row has no room for them, is known under the address too until the next export', async () => {
  const { give, members, crm, clock, retryDue } = open('[crmid, email]');
  const c = `c-${'x'.repeat(100)}`;
  for (let n = 0; n < 40; n += 1) await give(0, `${String(n)}-${'x'.repeat(30)}`, 'p');
  crm.onRequest = ([change]) => {
    if (change?.identity.value === c) throw new DestinationError('transient', 'Not reached.');
  };
  await give(0, c, 'p');
  await give(0, undefined, 'p');
  await give(0, c, 'p');
  crm.onRequest = () => undefined;
  clock.nowMs += 3_600_000;
  await retryDue();
  expect(members()).toEqual(expect.arrayContaining([c, 'p']));
  await give(0, c, 'p');
  expect(members()).toContain(c);
  expect(members()).not.toContain('p');
});
