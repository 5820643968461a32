import { expect, test } from 'vitest';
import { exampleKey, exampleState } from '../testing/index.ts';
import { linkDestination, linkKey, linkOf, linkRecord } from './link.ts';
import { shadowDestination } from './ledger.ts';
import { contentDigest } from './state.ts';

const ecid = { namespace: 'ecid', value: '36' };
const ada = { namespace: 'email', value: 'ada@example.com' };
const crmid = { namespace: 'crmid', value: 'p1' };

test('a link is kept by what stays the person, apart from the rows and from those in shadow mode', () => {
  const { audience } = exampleKey(1);
  expect(linkKey({ destination: 'crm', audience }, ecid)).toEqual({
    destination: 'crm~link',
    identity: ecid,
    audience,
  });
  expect([linkDestination('crm'), shadowDestination('crm')]).toEqual(['crm~link', 'crm~shadow']);
});

test('a link gives back the identities that it was made of, and is told as nothing', () => {
  const state = exampleState({ content: 'of the row' });
  const link = linkRecord(state, { identities: [ada, crmid], leaving: [] }, 'digest');
  expect(linkOf(link)).toEqual({ identities: [ada, crmid], leaving: [] });
  const attributes = {
    identities: [
      ['email', 'ada@example.com'],
      ['crmid', 'p1'],
    ],
  };
  const known = { ...state, content: contentDigest(attributes) };
  expect(link).toStrictEqual({ known, rowState: { is: 'noted' }, attributes, inDoubt: false, linkDigest: 'digest' });
  expect(linkOf(linkRecord(state, { identities: [crmid], leaving: [ada] }, ''))).toEqual({
    identities: [crmid],
    leaving: [ada],
  });
});

test('identities are kept up to the bound of a link, and those behind it are left out', () => {
  // As JSON, with the comma behind it, each of the first takes 1,000 characters.
  const identity = (value: string) => ({ namespace: 'ecid', value });
  const full = Array.from({ length: 90 }, () => identity('x'.repeat(1_000 - JSON.stringify(['ecid', '']).length - 1)));
  for (const identities of [full, [...full, identity('')]]) {
    const { identities: kept } = linkOf(linkRecord(exampleState(), { identities, leaving: [] }, ''));
    expect(kept).toEqual(full);
  }
});

test.each([
  [{}, 'its row holds no identities. Delete the row.'],
  [{ identities: 'x' }, 'its row holds no identities. Delete the row.'],
  [{ identities: ['x'] }, 'its row holds something else than identities. Delete the row.'],
  [{ identities: [['email']] }, 'its row holds something else than identities. Delete the row.'],
  [{ identities: [[1, 'x']] }, 'its row holds something else than identities. Delete the row.'],
])('a row that is no link is named: %j', (attributes, why) => {
  const link = { ...linkRecord(exampleState(), { identities: [], leaving: [] }, ''), attributes };
  expect(() => linkOf(link)).toThrow(`Failed to read a link: ${why}`);
});
