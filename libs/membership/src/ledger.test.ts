import { expect, test } from 'vitest';
import { exampleKey } from '../testing/index.ts';
import { ledgerKeyText, ledgerNameOf, shadowDestination, type LedgerKey } from './ledger.ts';
import { linkDestination } from './link.ts';

test('keys of which the parts differ have different texts, also where the same characters follow each other', () => {
  const identity = (namespace: string, value: string): LedgerKey => exampleKey(1, { identity: { namespace, value } });
  const keys = [
    exampleKey(1, { destination: 'crm', identity: { namespace: 'email', value: 'a' } }),
    exampleKey(1, { destination: 'crme', identity: { namespace: 'mail', value: 'a' } }),
    exampleKey(1, { audience: { namespace: 'ups', id: 'a' } }),
    exampleKey(1, { audience: { namespace: 'up', id: 'sa' } }),
    identity('email', 'b\nups'),
    identity('email', 'b'),
    identity('email1', 'b'),
    identity('email', '1b'),
  ];
  expect(new Set(keys.map(ledgerKeyText)).size).toBe(keys.length);
});

test('the destination of rows is known by theirs, those of its shadow and of its links', () => {
  const names = ['crm-eu', shadowDestination('crm-eu'), linkDestination(shadowDestination('crm-eu'))];
  expect(names.map(ledgerNameOf)).toEqual(['crm-eu', 'crm-eu', 'crm-eu']);
});
