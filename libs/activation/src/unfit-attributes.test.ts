import { DestinationError } from '@activation-hub/destination-kit';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, openActivation, personExport } from '../testing/index.ts';
import type { ReceivedEvent } from './index.ts';

const { signal } = new AbortController();
const file = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    consent: allowed
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: [crmid], attributes: { deep: _tenant.deep, firstname: person.name.firstName } }
`;

/** An export with an attribute of so many levels, which a hostile sender can make very many. */
function exportOf(levels: number, sequenceNumber: number, { status = 'realized', allowed = 'y' } = {}): ReceivedEvent {
  const at = { status: status as 'realized', at: sequenceNumber * 60 };
  const body = JSON.stringify({ ...personExport(at), allowed, _tenant: { deep: 0 } });
  const deep = `"deep":${'['.repeat(levels)}${']'.repeat(levels)}`;
  return { ...eventOf(personExport(at), sequenceNumber), body: Buffer.from(body.replace('"deep":0', deep)) };
}

test('a mapped attribute may have a hundred levels', async () => {
  const { activate, ads, letters } = openActivation({ file });
  await activate(exportOf(100, 1));
  expect([ads.story, letters()]).toEqual([['entered sports-fans p1'], []]);
});

test.each([101, 200_000])(
  'an attribute of %i levels costs the route that maps it the change, and no other',
  async (levels) => {
    const { activate, crm, ads, letters, outcomes } = openActivation({ file });
    await activate(exportOf(levels, 1));
    expect([crm.story, ads.story]).toEqual([['entered sports-fans p1'], []]);
    expect(outcomes()).toEqual({ 'crm delivered': 1, 'ads rejected': 1 });
    expect(letters()).toMatchObject([
      {
        outcome: 'rejected',
        destination: 'ads',
        class: 'too-deep',
        failures: [
          {
            audience: 'sports-fans',
            reason: 'A mapped attribute is nested more than 100 levels deep. Map a part of it.',
          },
        ],
      },
    ]);
  },
);

test.each([
  ['an exit', { status: 'exited' }],
  ['a withdrawn consent', { allowed: 'n' }],
])('%s in an export with such an attribute is told to every route', async (_, over) => {
  const { activate, crm, ads, letters } = openActivation({ file });
  await activate(exportOf(1, 1));
  await activate(exportOf(101, 2, over));
  const story = ['entered sports-fans p1', 'exited sports-fans p1'];
  expect([crm.story, ads.story, letters()]).toEqual([story, story, []]);
});

test.each([
  ['too-deep', (text: string) => text.replace('"big":0', `"big":${'['.repeat(101)}${']'.repeat(101)}`)],
  ['too-large', (text: string) => text.replace('"big":0', `"big":"${'x'.repeat(300_000)}"`)],
])('a row that waits is told as it is known when a later file maps an attribute that is %s', async (cause, grown) => {
  const fileOf = (attributes: string): string => `
version: 1
destinations: { crm: { type: recording } }
audiences: { sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid, attributes: ${attributes} }] } }
`;
  const earlier = openActivation({ file: fileOf('{ n: person.name.firstName }') });
  earlier.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  const body = Buffer.from(grown(JSON.stringify({ ...personExport(), big: 0 })));
  await earlier.activate({ ...eventOf(personExport(), 1), body });
  earlier.crm.onRequest = () => undefined;
  const { ledger } = earlier.context;
  const { retryQueue } = earlier;
  const later = openActivation({ file: fileOf('{ big: big }'), ledger, retryQueue, destinations: earlier });
  later.clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await later.retryDue();
  expect(later.letters()).toMatchObject([{ outcome: 'rejected', class: cause }]);
  expect(later.crm.story).toEqual(['entered sports-fans p1']);
  expect((await readable(ledger).read([fansKey()], signal))[0]?.record.rowState).toEqual({ is: 'delivered' });
});
