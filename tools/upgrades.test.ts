import { expect, test } from 'vitest';
import { pinned, upgradesText, type Pinned } from './upgrades.ts';

const quietMs = Date.UTC(2026, 10, 29);
const node: Pinned = { what: 'node', have: '24.21.0', from: { npm: 'node@24' } };
const text = (have: string, latest: string | undefined, nowMs = quietMs): string =>
  upgradesText(
    new Map([
      ['node', '24.21.0'],
      ['a', latest],
    ]),
    [node, { what: 'a', have, from: { npm: 'a' } }],
    nowMs,
  );

test('what is pinned: the runtime, Pulumi, and every action, each with a version', () => {
  expect(pinned().map(({ what }) => what)).toEqual(
    expect.arrayContaining(['node', '@pulumi/pulumi', '@pulumi/azure-native', 'actions/checkout', 'azure/login']),
  );
  for (const { what, have } of pinned()) expect(have, what).toMatch(/^\d+\.\d+\.\d+$/);
});

test.each([
  ['1.2.3', '1.2.3', ''],
  ['1.2.3', '1.2.2', ''],
  ['1.10.0', '1.9.9', ''],
  ['1.9.9', '1.10.0', '- a: 1.9.9 is used, 1.10.0 is there.'],
  ['1.2.3', '2.0.0', '- a: 1.2.3 is used, 2.0.0 is there.'],
  ['1.2.3', undefined, '- a: the newest version could not be asked; 1.2.3 is used.'],
])('%s is used, %s is there: %j', (have, latest, line) => {
  expect(text(have, latest).split('\n\n')[0]).toBe(line);
});

test('half a year before its end the runtime is said to end, and a quarter’s first week is that of the key', () => {
  expect(text('1.0.0', '1.0.0', Date.UTC(2027, 9, 1))).toContain('Adobe’s key is due');
  expect(text('1.0.0', '1.0.0', Date.UTC(2027, 9, 8))).toBe('');
  expect(text('1.0.0', '1.0.0', Date.UTC(2027, 11, 1))).toContain('- node: 24 gets no repairs after 2028-04-30.');
});

test('a runtime whose end is not written down is reported', () => {
  const next = { ...node, have: '99.0.0' };
  expect(upgradesText(new Map([['node', '99.0.0']]), [next], quietMs)).toContain('when 99 ends is not written');
});
