import { createMatcher } from '@activation-hub/activation-file';
import { InMemoryLedger, linkRecord, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  exitedAt,
  fansId,
  fansKey,
  memberAt,
  parseTestFile,
  putRow,
  rowOf,
  travellersId,
  untoldRowOf,
} from '../testing/index.ts';
import { planFile, type FilePlan } from './index.ts';

const { signal } = new AbortController();

/** A file with these routes of the fans, and with these audiences besides. */
const fileOf = (routes: readonly string[], more = ''): string => `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
  mail: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [${routes.map((route) => `{ identity: [crmid], ${route} }`).join(', ')}]
${more}`;

const keyAt = (destination: string, person: string, over: Partial<LedgerKey> = {}): LedgerKey => ({
  ...fansKey(person),
  destination,
  ...over,
});
const member = rowOf(memberAt());
const gone = rowOf(exitedAt());

/** The plan of a file for a ledger with these rows. */
async function planOf(text: string, rows: readonly (readonly [LedgerKey, LedgerRecord])[]): Promise<FilePlan> {
  const ledger = new InMemoryLedger();
  for (const [key, record] of rows) await putRow(ledger, key, record);
  const file = parseTestFile(text);
  return planFile({ file, matcher: createMatcher(file), ledger }, signal);
}

test('members are those whom the destination has, or may have', async () => {
  const { routes } = await planOf(fileOf(['destination: crm']), [
    [keyAt('crm', 'told'), member],
    [keyAt('crm', 'left'), gone],
    [keyAt('crm', 'never'), untoldRowOf(exitedAt())],
    [keyAt('crm', 'perhaps'), { ...gone, inDoubt: true }],
    [
      keyAt('crm', 'under way'),
      { ...untoldRowOf(memberAt()), rowState: { is: 'leased', holder: 'h', expiresAtMs: 1 } },
    ],
    [keyAt('crm', 'mail', { identity: { namespace: 'email', value: 'left@example.com' } }), gone],
    [keyAt('crm', 'mail', { identity: { namespace: 'email', value: 'p@example.com' } }), member],
  ]);
  expect(routes).toMatchObject([{ members: 4, isNew: false, otherNamespaces: { email: 1 } }]);
});

test('rows of shadow routes and of links are of no destination', async () => {
  const { identity } = fansKey();
  const link = linkRecord(memberAt(), { identities: [identity], leaving: [] }, 'digest');
  expect(
    await planOf(fileOf(['destination: crm']), [
      [keyAt('crm~shadow', 'p1'), member],
      [keyAt('gone~shadow', 'p1'), member],
      [keyAt('crm~link', 'p1'), { ...link, inDoubt: true }],
    ]),
  ).toMatchObject({ routes: [{ destination: 'crm', members: 0, isNew: true }], leftBehind: [] });
});

test('a new route is filled from where members of its audience are known, and only a live one', async () => {
  const file = fileOf(
    ['destination: crm', 'destination: ads', 'destination: mail, mode: paused'],
    `  travellers: { id: ${travellersId}, activate: [{ destination: ads, identity: [crmid] }] }\n`,
  );
  const { routes } = await planOf(file, [
    [keyAt('crm', 'p1'), member],
    [keyAt('crm', 'p1', { audience: { namespace: 'ups', id: travellersId } }), member],
  ]);
  const of = routes.map(({ audience, destination, isNew, fillFrom }) => [audience, destination, isNew, fillFrom]);
  expect(of).toEqual([
    ['sports-fans', 'crm', false, []],
    ['sports-fans', 'ads', true, [{ destination: 'crm', members: 1 }]],
    ['sports-fans', 'mail', true, []],
    ['travellers', 'ads', true, []],
  ]);
  const known = await planOf(fileOf(['destination: crm', 'destination: ads']), [
    [keyAt('crm', 'p1'), member],
    [keyAt('ads', 'p1'), gone],
  ]);
  expect(known.routes.map(({ fillFrom }) => fillFrom)).toEqual([[], []]);
  const shadow = await planOf(fileOf(['destination: crm', 'destination: ads, mode: shadow']), [
    [keyAt('crm', 'p1'), member],
  ]);
  expect(shadow.routes[1]).toMatchObject({ isNew: true, mode: 'shadow', fillFrom: [] });
});

test('who is left behind may be called only what the ledger does not know, and who has left is not left behind', async () => {
  const more = `  travellers: { id: ${travellersId}, activate: [{ destination: ads, identity: [crmid] }] }\n`;
  const elsewhere = { namespace: 'ups', id: 'other' };
  const { leftBehind } = await planOf(fileOf(['destination: crm'], more), [
    [keyAt('old', 'p1'), member],
    [keyAt('older', 'p1'), gone],
    [keyAt('crm', 'p1', { audience: elsewhere }), member],
    [keyAt('ads', 'p1', { audience: { namespace: 'ups', id: travellersId } }), member],
    [keyAt('ads', 'p1'), member],
  ]);
  expect(leftBehind).toEqual([
    { destination: 'old', audience: fansKey().audience, members: 1, because: 'no-destination', perhapsNow: ['mail'] },
    // The ledger knows both audiences of the file.
    { destination: 'crm', audience: elsewhere, members: 1, because: 'no-audience', perhapsNow: [] },
    { destination: 'ads', audience: fansKey().audience, members: 1, because: 'no-route', perhapsNow: [] },
  ]);
});

test('an audience of the same id in another namespace is another one', async () => {
  const audience = { namespace: 'aam', id: fansId };
  const { leftBehind } = await planOf(fileOf(['destination: crm']), [[keyAt('crm', 'p1', { audience }), member]]);
  expect(leftBehind).toMatchObject([{ because: 'no-audience', audience }]);
});
