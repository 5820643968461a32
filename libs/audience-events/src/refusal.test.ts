import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isRefusal, refusalCodes, refuse } from './refusal.ts';

test('every code is a kebab word with a sentence that says what failed, why and what to do', () => {
  for (const code of refusalCodes) {
    expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(refuse('$', code).message).toMatch(/^Failed to read [^.]+: [^.]+\. [^.]+\.$/);
  }
});

test('the README explains every code and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const explained = [...readme.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, code]) => code);
  expect(explained).toEqual([...refusalCodes]);
});

test('a refusal is told from anything else', () => {
  expect(isRefusal(refuse('$', 'not-an-object'))).toBe(true);
  expect(isRefusal({ namespace: 'ups', audienceId: 'fans' })).toBe(false);
});
