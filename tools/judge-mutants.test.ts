import type { MutantResult } from '@stryker-mutator/api/core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isClean, judgeMutants, verdictTable, verdictText, type Explanations } from './judge-mutants.ts';
import { repositoryFiles, root } from './repository.ts';

const file = 'libs/a/src/a.ts';
const source = 'function isFull(count: number): boolean {\n  return count >= max;\n}\n';

/** A mutant of `count >= max`. */
function mutant(status: MutantResult['status'], replacement = 'count > max'): MutantResult {
  return {
    id: replacement,
    fileName: file,
    mutatorName: 'EqualityOperator',
    location: { start: { line: 2, column: 10 }, end: { line: 2, column: 22 } },
    replacement,
    status,
  };
}

const explanations: Explanations = {
  [file]: [
    { line: 'return count >= max;', code: 'count >= max', becomes: 'count > max', why: 'Nothing counts to it.' },
  ],
};

test('a mutant that a test finds, or that never ends, is killed', () => {
  const verdict = judgeMutants(file, source, [mutant('Killed'), mutant('Timeout', 'true')], {});
  expect(verdict).toEqual({ file, mutants: 2, killed: 2, explained: 0, survivors: [], stale: [] });
  expect(isClean(verdict)).toBe(true);
  expect(verdictText(verdict)).toBe('');
});

test.each(['Survived', 'NoCoverage'] as const)(
  'a mutant that is %s is named with its code, until it is explained',
  (status) => {
    const verdict = judgeMutants(file, source, [mutant(status)], {});
    const named = { lineNumber: 2, line: 'return count >= max;', code: 'count >= max', becomes: 'count > max' };
    expect(verdict.survivors).toEqual([{ ...named, isUntested: status === 'NoCoverage' }]);
    expect(isClean(verdict)).toBe(false);
    expect(verdictText(verdict)).toContain(`${file}:2: ${status === 'Survived' ? 'survived' : 'no test runs this'}\n`);
    expect(verdictText(verdict)).toContain('"becomes":"count > max","why":""');
    const explained = judgeMutants(file, source, [mutant(status)], explanations);
    expect(explained).toMatchObject({ explained: 1, survivors: [], stale: [] });
    expect(isClean(explained)).toBe(true);
  },
);

test('an explanation covers its own mutant only, and is stale once a test finds that', () => {
  const other = judgeMutants(file, source, [mutant('Survived', 'true')], explanations);
  expect(other).toMatchObject({ explained: 0, survivors: [{ becomes: 'true' }], stale: explanations[file] });
  const found = judgeMutants(file, source, [mutant('Killed')], explanations);
  expect(found).toMatchObject({ killed: 1, survivors: [], stale: explanations[file] });
  expect(isClean(found)).toBe(false);
  expect(verdictText(found)).toMatch(/^libs\/a\/src\/a\.ts: stale\n/);
});

test('the same change at two places needs two explanations', () => {
  const twice = judgeMutants(file, source, [mutant('Survived'), mutant('Survived')], explanations);
  expect(twice).toMatchObject({ explained: 1, survivors: [{ becomes: 'count > max' }], stale: [] });
});

test('an explanation is not stale because its mutant ran out of time', () => {
  expect(judgeMutants(file, source, [mutant('Timeout')], explanations)).toMatchObject({ killed: 1, stale: [] });
});

test('code over several lines is named in one', () => {
  const block = {
    ...mutant('Survived', '{}'),
    location: { start: { line: 1, column: 40 }, end: { line: 3, column: 2 } },
  };
  const [survivor] = judgeMutants(file, source, [block], {}).survivors;
  expect(survivor).toMatchObject({ lineNumber: 1, code: '{ return count >= max; }', becomes: '{}' });
});

test('the table has a line per file', () => {
  const table = verdictTable([judgeMutants(file, source, [mutant('Killed'), mutant('Survived')], explanations)]);
  expect(table.split('\n').map((line) => line.split(/\s{2,}/))).toEqual([
    ['file', 'mutants', 'killed', 'explained', 'surviving', 'stale'],
    [file, '2', '1', '1', '0', '0'],
    [''],
  ]);
});

test('every explanation says why, and of which line of a file that is there', () => {
  const explained = JSON.parse(readFileSync(join(root, 'tools/explained-mutants.json'), 'utf8')) as Explanations;
  const texts = new Map(repositoryFiles().map(({ path, text }) => [path, text]));
  const lost = Object.entries(explained).flatMap(([path, entries]) =>
    entries.filter(({ line, why }) => why === '' || texts.get(path)?.includes(line) !== true),
  );
  expect(lost).toEqual([]);
});
