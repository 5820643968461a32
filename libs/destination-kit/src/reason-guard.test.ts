import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from './destination.ts';
import { createReasonGuard } from './reason-guard.ts';
import { Secret } from './secret.ts';

const delivery = (value: string, attributes: Delivery['change']['attributes'] = {}): Delivery => ({
  change: {
    id: 'id-1',
    kind: 'entered',
    audience: { key: 'fans', namespace: 'ups', id: 'a' },
    identity: { namespace: 'email', value },
    qualifiedAt: '2026-01-01T00:00:00.000Z',
    attributes,
  },
  options: {},
});

const moved = delivery('K-10');
const guard = createReasonGuard(
  [
    delivery('ann.smith@example.com', {
      firstname: 'Ann',
      phones: ['+1 (555) 123-4567'],
      age: 47,
      address: { city: 'Oslo' },
    }),
    delivery('K-9'),
    { ...moved, change: { ...moved.change, previousAttributes: { phone: '+47 22 12 34 56' } } },
  ],
  [new Secret('Bearer qGv7Zz')],
);

test.each(['unknown list', 'E_4711: not a member', 'rate limited, try later'])('%j is kept', (text) => {
  expect(guard(text, 'refused')).toBe(text);
});

test.each([
  'no such person ann.smith',
  'Ann is unknown',
  'bad phone 15551234567',
  'bad phone 1 555 123 4567',
  'no one is 47',
  'no longer 4722123456',
  'lives in OSLO',
  'K-9 refused',
  'token qGv7Zz is wrong',
  'no such person bob@example.org',
  'line\nbreak',
  'x'.repeat(101),
  '',
  undefined,
  { text: 'unknown list' },
])('%j is replaced', (text) => {
  expect(guard(text, 'refused')).toBe('refused');
});

test('no text around an identity is kept', () => {
  const words = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'Z', '9', '.', '-', ':'), maxLength: 20 });
  const identities = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', 'X', 'Y', 'Z', '0', '1', '9'),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(identities, words, words, (identity, before, after) => {
      const text = `${before} ${identity} ${after}`;
      return createReasonGuard([delivery(identity)])(text, 'refused') === 'refused';
    }),
  );
});
