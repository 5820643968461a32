import { expect, test } from 'vitest';
import { exampleState } from '../testing/index.ts';
import { lease, settle } from './lease.ts';

const member = exampleState();
const by = { holder: 'me', expiresAtMs: 1 };

test('a row says from which identities its newest state comes, until the person was followed with them', () => {
  const first = lease(undefined, { state: member, attributes: {}, linkDigest: 'a' }, by);
  expect(first).toMatchObject({ knownDigest: 'a' });
  expect(settle(first, 'delivered')).toMatchObject({ knownDigest: 'a' });
  const followed = { ...settle(lease(undefined, { state: member, attributes: {} }, by), 'delivered'), linkDigest: 'a' };
  const newer = { ...member, qualifiedAtMs: member.qualifiedAtMs + 1 };
  expect(lease(followed, { state: newer, attributes: {}, linkDigest: 'a' }, by)).toMatchObject({ linkDigest: 'a' });
  expect(lease(followed, { state: newer, attributes: {}, linkDigest: 'b' }, by)).toMatchObject({ knownDigest: 'b' });
  // The very state again, from the row alone, comes from the same export; another one from none that is known.
  expect(lease(first, { state: member, attributes: {} }, by)).toMatchObject({ knownDigest: 'a' });
  expect(lease(first, { state: newer, attributes: {} }, by)).not.toHaveProperty('knownDigest');
});
