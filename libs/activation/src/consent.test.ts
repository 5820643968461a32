import { expect, test } from 'vitest';
import { permits } from './consent.ts';

test('a recorded permission permits', () => {
  for (const value of ['y', 'dy', 'LI', 'CT', 'CP', 'VI', 'PI', 'in', true]) expect(permits(value)).toBe(true);
});

test('anything else does not', () => {
  const others = [
    'n',
    'dn',
    'u',
    'p',
    'out',
    'not_provided',
    'Y',
    'li',
    'true',
    '',
    false,
    null,
    1,
    undefined,
    ['y'],
    { val: 'y' },
  ];
  for (const value of others) expect(permits(value)).toBe(false);
});
