import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport } from '../testing/index.ts';

type Identities = Readonly<Record<string, readonly string[]>>;

/**
 * A worker whose route follows people by two namespaces, and takes exports of one qualification
 * with these identities, a batch at a time.
 */
function worker() {
  const { activate, crm } = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: email, follow: [loyalty, ecid] }] }
`,
  });
  let sequenceNumber = 0;
  const take = (...people: readonly Identities[]): Promise<unknown> =>
    activate(
      ...people.map((identities) => {
        sequenceNumber += 1;
        return eventOf(personExport({ identities }), sequenceNumber);
      }),
    );
  return { take, members: () => [...crm.members.keys()].map((key) => key.replace('sports-fans ', '')) };
}

const nobody = { loyalty: ['l1'], ecid: ['e1'] };

test.each([
  ['both', { email: ['x'], ...nobody }],
  ['one', { email: ['x'], ecid: ['e1'] }],
  ['the other', { email: ['x'], loyalty: ['l1'] }],
])('who gets an identity and loses it in one batch is known under none, linked by %s', async (_, someone) => {
  const { take, members } = worker();
  // It is known now that the links name no identity.
  await take(nobody);
  await take(nobody);
  await take(someone, nobody);
  expect(members()).toEqual([]);
});

test('who comes back in a batch to an earlier identity is known under that one, linked by one of two', async () => {
  const { take, members } = worker();
  await take({ email: ['a'], ecid: ['e1'] });
  await take({ email: ['b'], ...nobody }, { email: ['a'], ecid: ['e1'] });
  expect(members()).toEqual(['a']);
  await take({ ecid: ['e1'] });
  expect(members()).toEqual([]);
});
