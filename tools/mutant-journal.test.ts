import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { MutantJournal } from './mutant-journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'journal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the process of a run is none until it has begun, whatever the run before had', () => {
  const journal = new MutantJournal(join(folder, 'journal'));
  const begun = (): number | undefined => journal.read().process;
  journal.noteRun();
  expect(begun()).toBeUndefined();
  journal.note('process', 17);
  expect(begun()).toBe(17);
  journal.noteRun();
  expect(begun()).toBeUndefined();
  journal.note('process', 18);
  expect(begun()).toBe(18);
});

test('a new run keeps what the ones before have found', () => {
  const journal = new MutantJournal(join(folder, 'findings'));
  journal.note('killed', 1);
  journal.note('done', 'a test');
  journal.note('trying', 2);
  journal.noteRun();
  expect(journal.read()).toMatchObject({ killed: new Set(['1']), done: new Set(['a test']), trying: '2' });
});
