import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport, type TestActivation } from '../testing/index.ts';

/**
 * People of one body, by e-mail address and ECID; they qualify at the same time, as those of one
 * evaluation do.
 */
type Body = readonly (readonly [email: string, ecid: string])[];

function worker(): TestActivation & { readonly take: (...bodies: readonly Body[]) => Promise<unknown> } {
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: email, follow: ecid }] }
`,
  });
  let sequenceNumber = 0;
  const take = (...bodies: readonly Body[]): Promise<unknown> =>
    opened.activate(
      ...bodies.map((body) => {
        sequenceNumber += 1;
        return eventOf(
          body.map(([email, ecid]) => personExport({ identities: { email: [email], ecid: [ecid] } })),
          sequenceNumber,
        );
      }),
    );
  return { ...opened, take };
}

const members = ({ crm }: TestActivation): readonly string[] =>
  [...crm.members.keys()].map((key) => key.replace('sports-fans ', '')).toSorted();

test('an address that passes from one person of a body to a later one stays in the destination', async () => {
  const opened = worker();
  await opened.take([['home', 'ada']]);
  await opened.take([
    ['work', 'ada'],
    ['home', 'bob'],
  ]);
  expect(members(opened)).toEqual(['home', 'work']);
});

test('a person who comes twice in one body is known as the later export says', async () => {
  for (const known of ['home', 'work', 'other']) {
    const opened = worker();
    await opened.take([[known, 'ada']]);
    await opened.take([
      ['work', 'ada'],
      ['home', 'ada'],
    ]);
    expect(members(opened)).toEqual(['home']);
  }
});

test('a person who comes in one body under an address, another and the first again is known under that one', async () => {
  const opened = worker();
  await opened.take([
    ['home', 'ada'],
    ['work', 'ada'],
    ['home', 'ada'],
  ]);
  expect(members(opened)).toEqual(['home']);
});
