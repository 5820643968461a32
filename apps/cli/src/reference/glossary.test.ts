import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storyStates } from '@activation-hub/activation';
import type { Route } from '@activation-hub/activation-file';
import type { Circuit, MatrixCell } from '@activation-hub/console-contract';
import { pausedClass } from '@activation-hub/delivery';
import type { DestinationErrorClass, Verdict } from '@activation-hub/destination-kit';
import type {
  Because,
  Deferred,
  Did,
  Lease,
  LedgerRecord,
  MembershipState,
  RowState,
} from '@activation-hub/membership';
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

const circuitStates: Readonly<Record<Circuit['state'], true>> = {
  closed: true,
  open: true,
  'half-open': true,
  paused: true,
};
const errorClasses: Readonly<Record<DestinationErrorClass, true>> = {
  transient: true,
  throttled: true,
  'set-up': true,
  invalid: true,
  fatal: true,
};
const healthWords: Readonly<Record<MatrixCell['health'], true>> = {
  well: true,
  waiting: true,
  failing: true,
  quiet: true,
  unknown: true,
};
const deeds: Readonly<Record<Did, true>> = {
  entered: true,
  updated: true,
  exited: true,
  delivered: true,
  noted: true,
  paused: true,
  deferred: true,
  'given-up': true,
  overtaken: true,
};
const accounts: Readonly<Record<Because, true>> = {
  export: true,
  retry: true,
  replay: true,
  repair: true,
  resync: true,
  renewal: true,
  fill: true,
  retirement: true,
  erasure: true,
  'former-identity': true,
};
/** Of a row as `ledger show --json` prints it: without what is for the protocol alone. */
const rowKeys: Readonly<
  Record<Exclude<keyof LedgerRecord, 'formerOf'> | keyof Deferred | keyof Lease | keyof MembershipState, true>
> = {
  known: true,
  rowState: true,
  attributes: true,
  delivered: true,
  deliveredAttributes: true,
  deliveredAtMs: true,
  inDoubt: true,
  linkDigest: true,
  knownDigest: true,
  history: true,
  is: true,
  chainId: true,
  holder: true,
  expiresAtMs: true,
  status: true,
  isMember: true,
  qualifiedAtMs: true,
  enqueuedAtMs: true,
  sequenceNumber: true,
  content: true,
};

/** The classes that a library gives a failure besides those of connectors, by its sources. */
async function ownClasses(): Promise<readonly string[]> {
  const libs = join(docs, '../libs');
  const folders = ['activation/src', 'delivery/src'].map((folder) => join(libs, folder));
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  const sources = files.flat().filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  const texts = await Promise.all(sources.map((path) => readFile(path, 'utf8')));
  return texts.flatMap((text) =>
    [...text.matchAll(/(?:\bclass: |Class = )'([a-z-]+)'/g)].map(([, word]) => word ?? ''),
  );
}

/** The words in the first column of the table under a heading. */
async function wordsUnder(page: string, heading: string): Promise<readonly string[]> {
  const text = await readFile(join(docs, page), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([A-Za-z-]+)`/gm)].map(([, word]) => word ?? '');
}

test.each([
  ['Outcomes', [...outcomes, 'unreadable']],
  ['Modes of a route', Object.keys(modes)],
  ['Verdicts', Object.keys(verdicts)],
  ['Row states', Object.keys(rowStates)],
  ['States of a circuit', Object.keys(circuitStates)],
  ['States of a route for one person', storyStates],
  ['Health of a route', Object.keys(healthWords)],
  ['Deeds in a history', Object.keys(deeds)],
  ['Accounts in a history', Object.keys(accounts)],
  ['Keys of a row in JSON', [...Object.keys(rowKeys), 'destination', 'audience', 'lapsesAtMs', 'renewFromMs']],
])('the glossary holds every word of the code, and no other: %s', async (heading, words) => {
  expect((await wordsUnder('glossary.md', heading)).toSorted()).toEqual(words.toSorted());
});

test('the glossary holds every class of a failure, and no other', async () => {
  const words = new Set([...Object.keys(errorClasses), ...(await ownClasses())]);
  expect(words).toContain(pausedClass);
  expect((await wordsUnder('glossary.md', 'Classes of a failure')).toSorted()).toEqual([...words].toSorted());
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
