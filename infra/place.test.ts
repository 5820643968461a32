import { expect, test } from 'vitest';
import fc from 'fast-check';
import { createNames, stableUuid } from './place.ts';

const longest = { workload: 'abcdefg', environment: 'staging', subscriptionId: '1' };

test('every name of the longest workload and environment is one that Azure takes', () => {
  const names = createNames(longest);
  for (const account of [names.hostAccount, names.dataAccount, names.archiveAccount]) {
    expect(account).toMatch(/^[a-z0-9]{3,24}$/);
  }
  expect(names.vault).toMatch(/^[a-zA-Z0-9-]{3,24}$/);
  expect(names.eventHubsNamespace).toMatch(/^[a-zA-Z][a-zA-Z0-9-]{6,50}[a-zA-Z0-9]$/);
  expect(names.app).toMatch(/^[a-z0-9-]{2,60}$/);
});

test('names that must be unique differ with subscription, workload and environment; the same three give the same', () => {
  const base = createNames(longest);
  expect(createNames(longest).vault).toBe(base.vault);
  for (const over of [{ subscriptionId: '2' }, { workload: 'other' }, { environment: 'dev' }]) {
    const names = createNames({ ...longest, ...over });
    expect(names.vault).not.toBe(base.vault);
    expect(names.app).not.toBe(base.app);
  }
});

test('another number is another vault, and nothing else', () => {
  const [first, second] = [createNames(longest), createNames({ ...longest, vaultNumber: 2 })];
  expect(second.vault).not.toBe(first.vault);
  expect(second.vault).toMatch(/^[a-zA-Z0-9-]{3,24}$/);
  const others = { vault: '', within: '', ledgerAccount: '' };
  expect({ ...second, ...others }).toEqual({ ...first, ...others });
  expect(second.ledgerAccount(1)).toBe(first.ledgerAccount(1));
});

test('a stable UUID is one of version 5, the same for the same text and another for another', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(stableUuid(one)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(stableUuid(one) === stableUuid(other)).toBe(one === other);
    }),
  );
});
