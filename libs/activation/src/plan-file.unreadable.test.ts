import { createMatcher } from '@activation-hub/activation-file';
import { SpoilableLedger } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { defaultFile, fansKey, memberAt, parseTestFile, putRow, rowOf } from '../testing/index.ts';
import { planFile } from './plan-file.ts';

test('a plan counts the members that can be read, and says which row cannot', async () => {
  const ledger = new SpoilableLedger();
  for (const person of ['p1', 'p2']) await putRow(ledger, fansKey(person), rowOf(memberAt()));
  const { unreadable } = await ledger.spoil(fansKey());
  const file = parseTestFile(defaultFile);
  const plan = await planFile({ file, matcher: createMatcher(file), ledger }, new AbortController().signal);
  expect(plan).toMatchObject({ routes: [{ members: 1 }], unreadable: { rows: 1, names: [unreadable] } });
});
