import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './repository.ts';

const page = readFileSync(join(root, 'docs', 'operating', 'deploy.md'), 'utf8');

/** What a file of the repository says, by the first group of a pattern. */
function said(path: string, pattern: RegExp): string {
  const found = pattern.exec(readFileSync(join(root, path), 'utf8'))?.[1];
  if (found === undefined) throw new Error(`Failed to find ${String(pattern)} in ${path}.`);
  return found;
}

/** The text of the page that is no command, link, heading or reference to a section. */
const prose = page
  .replaceAll(/^ *```[^]*?^ *```$/gm, '')
  .replaceAll(/`[^`]*`/g, '')
  .replaceAll(/\]\([^)]*\)/g, ']')
  .replaceAll(/^#.*$/gm, '')
  .replaceAll(/\bsections? [\d, and]+|\bhalf of \d|\bissue \d+/g, '')
  .replaceAll(/\s+/g, ' ');

test('every number on the page is one that the repository has', () => {
  const days = (path: string, pattern: RegExp): string => `${said(path, pattern)} days`;
  const known = [
    `${said('infra/package.json', /"@pulumi\/pulumi": "(\d+\.\d+)/)} or newer`,
    `Node ${said('package.json', /"node": ">=([\d.]+)"/)} or newer`,
    `must be ${said('infra/components/handler-app.ts', /version: '(\d+)'/)} or newer:`,
    `keeps them for ${days('.github/workflows/deploy.yml', /retention-days: (\d+)/)}`,
    `its name for ${days('infra/components/secret-vault.ts', /softDeleteRetentionInDays: (\d+)/)}`,
  ];
  for (const words of known) expect(prose).toContain(words);
  const numbers = known.map((words) => /[\d.]*\d/.exec(words)?.[0]);
  expect([...prose.matchAll(/\d[\d.,]*\d|\d/g)].map(([number]) => number).toSorted()).toEqual(numbers.toSorted());
});

test('numbers in words are those of the program', () => {
  expect(prose).toContain('the pipeline retries for ten minutes, and prints each refusal');
  expect(said('tools/deploy-package.ts', /timeoutMs: (\S+),\n {4}intervalMs/)).toBe('600_000');
  expect(prose).toMatch(/retries for ten\. Its outputs/);
  expect(said('apps/cli/src/deploy/steps.ts', /patienceMs = ([^;]+);/)).toBe('10 * 60_000');
});

test('the page begins with five commands', () => {
  const [, block = ''] = /^```\n([^]*?)^```$/m.exec(page) ?? [];
  expect(
    block
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(0, 3).join(' ')),
  ).toEqual(['npx activation check', 'npx activation azure', 'git push', 'gh run watch', 'npx activation aep']);
});
