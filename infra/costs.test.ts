import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { costLines, costTable, functionGroups, zoneRedundantAppCost } from './costs.ts';

const repository = join(import.meta.dirname, '..');
const page = readFileSync(join(repository, 'docs', 'operating', 'costs.md'), 'utf8');

test('the page has the table that is reckoned, and what a zone-redundant app adds', () => {
  expect(page).toContain(`\n\n${costTable()}\n\n`);
  expect(page).toContain(`| \`zoneRedundantApp\` | ${zoneRedundantAppCost.toFixed(2)}, idle: `);
  expect(page).toContain(`for each of the ${functionGroups} groups of functions`);
});

test('every line has a price for each volume, and none is free for all', () => {
  for (const { what, dollars } of costLines()) {
    expect(dollars, what).toHaveLength(3);
    expect(Math.max(...dollars), what).toBeGreaterThan(0);
  }
});

test('the groups of functions are those that the handler registers: HTTP together, each other one alone', () => {
  const folder = join(repository, 'apps', 'handler', 'src');
  const code = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const registered = [...code.matchAll(/\bapp\.(generic|http|storageQueue|timer|eventHub)\(/g)].map(([, kind]) => kind);
  const others = registered.filter((kind) => kind !== 'http').length;
  expect(others + (registered.includes('http') ? 1 : 0)).toBe(functionGroups);
});
