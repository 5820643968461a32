import { expect, test } from 'vitest';
import { seconds } from './change-lines.ts';

test.each([
  [0, '0.0 s'],
  [240, '0.2 s'],
  [9_999, '10.0 s'],
  [10_000, '10 s'],
  [119_000, '119 s'],
  [180_000, '3 min'],
  [3 * 3_600_000, '3 h'],
])('%s milliseconds are %s', (durationMs, words) => {
  expect(seconds(durationMs)).toBe(words);
});
