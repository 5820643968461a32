import { expect, test } from 'vitest';
import { exampleState } from '../testing/index.ts';
import { lease, overtake, settle } from './lease.ts';

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
  // The very state again, from the row alone, comes from the same export; another one from none
  // that is known.
  expect(lease(first, { state: member, attributes: {} }, by)).toMatchObject({ knownDigest: 'a' });
  for (const state of [newer, { ...member, isMember: false }, { ...member, content: 'changed' }])
    expect(lease(first, { state, attributes: {} }, by)).not.toHaveProperty('knownDigest');
});

test('a row that was told keeps the digest with which the person was followed, and gets no empty one', () => {
  const followed = { ...lease(undefined, { state: member, attributes: {} }, by), linkDigest: 'a' };
  expect(settle(followed, 'delivered')).toMatchObject({ linkDigest: 'a' });
  // A person with a single identity has no digest: an empty one in every row would only cost.
  const single = lease(undefined, { state: member, attributes: {}, linkDigest: '' }, by);
  expect(settle(single, 'delivered')).toStrictEqual({
    known: member,
    rowState: { is: 'delivered' },
    attributes: {},
    delivered: member,
    inDoubt: false,
  });
});

test('a row whose person is under no other identity is settled with the digest, if it was delivered', () => {
  const first = lease(undefined, { state: member, attributes: {}, linkDigest: 'a' }, by);
  const how = { atMs: 1, linkDigest: 'a' };
  expect(settle(first, 'delivered', false, how)).toMatchObject({ linkDigest: 'a' });
  expect(settle(first, 'delivered', false, how)).not.toHaveProperty('knownDigest');
  for (const outcome of ['rejected', 'not-found', 'given-up'] as const)
    expect(settle(first, outcome, false, how)).not.toHaveProperty('linkDigest');
});

test('a newer state under a lease is what the row knows, and the lease stays with its holder', () => {
  const delivered = settle(lease(undefined, { state: member, attributes: { mail: 'a' } }, by), 'delivered');
  const newer = exampleState({ content: 'b', qualifiedAtMs: member.qualifiedAtMs + 1 });
  const newest = exampleState({ content: 'c', qualifiedAtMs: member.qualifiedAtMs + 2 });
  const leased = lease(delivered, { state: newer, attributes: { mail: 'b' } }, by);
  expect(overtake(leased, { state: newest, attributes: { mail: 'c' } })).toStrictEqual({
    known: newest,
    rowState: { is: 'leased', ...by },
    attributes: { mail: 'c' },
    delivered: member,
    deliveredAttributes: { mail: 'a' },
    inDoubt: true,
  });
});

test('what a destination took without attributes leaves none beside the states that follow', () => {
  const delivered = settle(lease(undefined, { state: member, attributes: {} }, by), 'delivered');
  const newer = exampleState({ content: 'b', qualifiedAtMs: member.qualifiedAtMs + 1 });
  const newest = exampleState({ content: 'c', qualifiedAtMs: member.qualifiedAtMs + 2 });
  const leased = lease(delivered, { state: newer, attributes: { mail: 'b' } }, by);
  for (const row of [leased, overtake(leased, { state: newest, attributes: { mail: 'c' } })]) {
    expect(row).toMatchObject({ delivered: member });
    expect(row).not.toHaveProperty('deliveredAttributes');
  }
});

test('a row of which no history is kept has none either when a destination did not take it', () => {
  const leased = lease(undefined, { state: member, attributes: {} }, by);
  for (const outcome of ['rejected', 'not-found', 'given-up'] as const)
    expect(settle(leased, outcome)).toStrictEqual({ ...leased, rowState: { is: outcome } });
});
