import fc from 'fast-check';
import picocolors from 'picocolors';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { fitted } from './fitted.ts';

test('a line that is too long goes on below the start of its last cell', () => {
  expect(fitted('out  crm  deferred  It answered 503 Service Unavailable', 40)).toBe(
    ['out  crm  deferred  It answered 503', '                    Service Unavailable'].join('\n'),
  );
});

test('where the last cell begins too far right, it goes on four columns in', () => {
  expect(fitted('out  crm  deferred  It answered 503', 27)).toBe('out  crm  deferred  It\n    answered 503');
});

test('a sentence goes on at its start, and a word longer than the room stays whole', () => {
  expect(fitted('Failed to reach https://a.example.com/a/long/address today.', 20)).toBe(
    ['Failed to reach', 'https://a.example.com/a/long/address', 'today.'].join('\n'),
  );
});

test('colours take no room', () => {
  const { yellow } = picocolors.createColors(true);
  expect(fitted(`${yellow('deferred')}  not taken`, 19)).toBe(`${yellow('deferred')}  not taken`);
});

test('a command stays whole, so that it can be copied', () => {
  const line = '  ads  activation retry-now ads --activations apps/handler/activations/dev.yaml';
  expect(fitted(line, 40)).toBe(line);
});

test('in a pipe a line stays as it is', () => {
  expect(fitted('a '.repeat(200), undefined)).toBe('a '.repeat(200));
});

test('nothing of any line is lost, and no line is wider than the terminal unless one word is', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 });
  const cells = fc.array(
    words.map((some) => some.join(' ')),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(cells, fc.integer({ min: 20, max: 120 }), (some, columns) => {
      const line = some.join('   ');
      const shown = fitted(line, columns).split('\n');
      expect(shown.join(' ').match(/\S+/g)).toEqual(line.match(/\S+/g));
      for (const each of shown) {
        if (stripVTControlCharacters(each).length > columns) expect(each.trim()).toMatch(/^\S+( {2,}\S+)*$/);
      }
    }),
  );
});
