import { expect, test } from 'vitest';
import { ownLines } from './connector-files.ts';
import { repositoryFiles } from './repository.ts';

const files = repositoryFiles();
const page = files.find(({ path }) => path === 'docs/specs/destination.md')?.text ?? '';

/** The size of each connector as the page has it: a row says fewer than how many lines. */
const sizes = [250, 400, Infinity];
const sizeOf = (lines: number): number => sizes.find((size) => lines < size) ?? Infinity;

test('the page about adding a destination says how large each connector is', () => {
  const folders = Map.groupBy(
    files.filter(({ path }) => /^libs\/destinations\/src\/[^/]+\//.test(path)),
    ({ path }) => path.split('/')[3] ?? '',
  );
  const counted = [...folders].map(([name, parts]) => ({ name, size: sizeOf(ownLines(parts)) }));
  const expected = sizes.map((size) =>
    counted
      .filter((each) => each.size === size)
      .map(({ name }) => name)
      .toSorted(),
  );
  const [, table = ''] = /^\| lines of its own \|(.*?)\n\n/ms.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| (?:under \d+|more) \| (.+) \|$/gm)].map(([, names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(rows).toEqual(expected);
});

test('comments, blank lines, tests and the stand-in are not counted, and nothing but code is', () => {
  const code = '/** What it is. */\n\nconst a = 1; // one\n// two\n  * three\n';
  const names = ['request.ts', 'vendor.ts', 'vendor-answers.ts', 'request.test.ts', 'README.md', 'wire.txt'];
  expect(ownLines(names.map((name) => ({ path: `libs/destinations/src/acme/${name}`, text: code })))).toBe(1);
});
