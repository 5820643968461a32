import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Route } from '@activation-hub/activation-file';
import type { Verdict } from '@activation-hub/destination-kit';
import type { RowState } from '@activation-hub/membership';
import { outcomes } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';

const docs = join(import.meta.dirname, '../../../../docs');

/**
 * Records, so that a word which is new to the code does not compile until it stands here, and then
 * in the glossary.
 */
const modes: Readonly<Record<Route['mode'], true>> = { live: true, shadow: true, paused: true, retired: true };
const verdicts: Readonly<Record<Verdict['status'], true>> = {
  delivered: true,
  accepted: true,
  retry: true,
  rejected: true,
  'not-found': true,
};
const rowStates: Readonly<Record<RowState['is'], true>> = {
  leased: true,
  delivered: true,
  noted: true,
  deferred: true,
  rejected: true,
  'not-found': true,
  'given-up': true,
  paused: true,
};

/** The words in the first column of the table under a heading. */
async function wordsUnder(page: string, heading: string): Promise<readonly string[]> {
  const text = await readFile(join(docs, page), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([a-z-]+)`/gm)].map(([, word]) => word ?? '');
}

test.each([
  ['Outcomes', [...outcomes, 'unreadable']],
  ['Modes of a route', Object.keys(modes)],
  ['Verdicts', Object.keys(verdicts)],
  ['Row states', Object.keys(rowStates)],
])('the glossary holds every word of the code, and no other: %s', async (heading, words) => {
  expect((await wordsUnder('glossary.md', heading)).toSorted()).toEqual(words.toSorted());
});

test('the page of the protocol has a row for every row state', async () => {
  expect((await wordsUnder('specs/ledger.md', '2. Row states')).toSorted()).toEqual(Object.keys(rowStates).toSorted());
});

test('the glossary is in order, and has each word once', async () => {
  const [terms = ''] = (await readFile(join(docs, 'glossary.md'), 'utf8')).split(/^## /m);
  const words = [...terms.matchAll(/^\| ([a-z][a-z -]+) \|/gm)]
    .map(([, word]) => word ?? '')
    .filter((word) => word !== 'word');
  expect(words.length).toBeGreaterThan(30);
  expect(words).toEqual([...new Set(words)].toSorted());
});

test('every section that a comment of the code names is on the page of the protocol', async () => {
  const page = await readFile(join(docs, 'specs/ledger.md'), 'utf8');
  const sections = new Set([...page.matchAll(/^## (\d+)\. /gm)].map(([, number]) => number));
  const root = join(import.meta.dirname, '../../../..');
  const sources = await Promise.all(
    [
      'libs/membership/src/decide.ts',
      'libs/membership/src/ledger.ts',
      'libs/activation/src/tell-rows.ts',
      'libs/activation/src/follow-people.ts',
      'libs/activation/src/judge-results.ts',
      'libs/activation/src/plan-row.ts',
    ].map((path) => readFile(join(root, path), 'utf8')),
  );
  const named = sources.flatMap((text) =>
    [...text.matchAll(/docs\/specs\/ledger\.md,[\s*]+section (\d+)/g)].map(([, number]) => number),
  );
  expect(named.length).toBeGreaterThan(5);
  for (const number of named) expect(sections).toContain(number);
});
