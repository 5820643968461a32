import { expect, test } from 'vitest';
import { refusalOfAttribute, takesIdentity, type Takes } from './takes.ts';

const closed: Takes = { identities: { email: 'Is matched.' }, attributes: { FN: 'Helps.', LN: 'Helps.' } };
const open: Takes = {
  identities: 'As it is.',
  attributes: {},
  otherAttributes: 'Is told.',
  refusedAttributes: { id: 'No.' },
};

test('what is declared is taken, and no more', () => {
  expect([takesIdentity(closed, 'Email'), takesIdentity(closed, 'crmid'), takesIdentity(open, 'crmid')]).toEqual([
    true,
    false,
    true,
  ]);
  expect(refusalOfAttribute(closed, 'FN')).toBeUndefined();
  expect(refusalOfAttribute(closed, 'firstName')).toBe('It takes FN, LN.');
  expect(refusalOfAttribute(closed, 'constructor')).toBe('It takes FN, LN.');
  expect(refusalOfAttribute(open, 'anything')).toBeUndefined();
  expect(refusalOfAttribute(open, 'id')).toBe('No.');
  expect(refusalOfAttribute(open, 'ID')).toBeUndefined();
  expect(refusalOfAttribute({ ...open, ignoresCase: true }, 'ID')).toBe('No.');
  expect(refusalOfAttribute({ identities: '', attributes: {} }, 'a')).toBe('It takes none.');
});
