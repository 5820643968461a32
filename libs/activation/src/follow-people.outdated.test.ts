import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport } from '../testing/index.ts';

const file = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: ecid, identities: all, follow: ecid }]
`;
const [kept, vanished] = ['10000000000000000000000000000000000001', '20000000000000000000000000000000000002'];
const before = personExport({ identities: { ecid: [kept, vanished] }, at: 0 });
const now = personExport({ identities: { ecid: [kept] }, at: 60 });

test('of all identities that an export from before holds, the one that has vanished since does not stay', async () => {
  const { activate, crm } = openActivation({ file });
  await activate(eventOf(now, 1));
  await activate(eventOf(before, 2));
  expect([...crm.members.keys()]).toEqual([`sports-fans ${kept}`]);
});

test('nor does it when both exports come in one batch, in either order', async () => {
  for (const exports of [
    [now, before],
    [before, now],
  ]) {
    const { activate, crm } = openActivation({ file });
    await activate(...exports.map((each, index) => eventOf(each, index)));
    expect([...crm.members.keys()]).toEqual([`sports-fans ${kept}`]);
  }
});

test('nor does it when the exports come in one batch after the identity was told', async () => {
  const { activate, crm } = openActivation({ file });
  await activate(eventOf(before, 1));
  await activate(eventOf(now, 2), eventOf(before, 3));
  expect([...crm.members.keys()]).toEqual([`sports-fans ${kept}`]);
});

test('an older export with other identities leaves the row as the newest export has looked at it', async () => {
  const { activate, counter, crm } = openActivation();
  const newest = personExport({ at: 60, identities: { crmid: ['C-1'], email: ['p@example.com'] } });
  const older = personExport({ identities: { crmid: ['C-1'], email: ['q@example.com'] } });
  await activate(eventOf(newest, 1));
  await activate(eventOf(older, 2));
  const asked = (): number[] => [counter('ledger-reads'), counter('ledger-writes')];
  const before = asked();
  await activate(eventOf(newest, 3));
  expect(asked()).toEqual(before);
  expect([...crm.members.keys()]).toEqual(['sports-fans C-1']);
});
