import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, openActivation, personExport } from '../testing/index.ts';

type Identities = Readonly<Record<string, readonly string[]>>;

/**
 * How often the ledger is asked for rows when a batch brings people with these identities, whom no
 * process has seen before.
 */
async function readsUnder(follow: string, ...people: readonly Identities[]): Promise<number> {
  const ledger = new DisturbedLedger();
  const { activate } = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email]${follow} }] }
`,
    ledger,
  });
  let reads = 0;
  ledger.beforeRead = (n) => {
    reads = n;
  };
  await activate(...people.map((identities, index) => eventOf(personExport({ identities }), index + 1)));
  return reads;
}

const readsFor = (...people: readonly Identities[]): Promise<number> => readsUnder(', follow: ecid', ...people);
const first = { crmid: ['c1'], email: ['m1'], ecid: ['e1'] };

test.each([
  ['nothing', (n: string) => `m${n}`],
  ['an identity under which none of them is known', () => 'm1'],
])('people who share %s are looked at together, however many they are', async (_, emailOf) => {
  const people = ['1', '2', '3', '4', '5'].map((n) => ({ crmid: [`c${n}`], email: [emailOf(n)], ecid: [`e${n}`] }));
  expect(await readsFor(...people)).toBe(await readsFor(first));
});

test.each([
  ['a link', { crmid: ['c2'], ecid: ['e1'] }],
  ['an identity under which one of them is known', { email: ['m1'], ecid: ['e2'] }],
])('people who share %s are looked at one after the other', async (_, second) => {
  const together = await readsFor(first, { crmid: ['c2'], email: ['m2'], ecid: ['e2'] });
  expect(await readsFor(first, second)).toBeGreaterThan(together);
  expect(await readsFor(second, first)).toBeGreaterThan(together);
});

test('a person of one identity on a route that follows nothing is not looked at', async () => {
  const looked = await readsUnder('', { crmid: ['c1'], email: ['m1'] });
  expect(await readsUnder('', { crmid: ['c1'] })).toBeLessThan(looked);
});
