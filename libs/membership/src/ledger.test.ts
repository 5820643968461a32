import { expect, test } from 'vitest';
import { exampleKey } from '../testing/index.ts';
import { ledgerKeyText, type LedgerKey } from './ledger.ts';

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
