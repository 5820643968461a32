import { test, expect } from 'vitest';
import type { z } from 'zod';
import { type Change, createHttpClient } from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { log } from './destination.ts';

const callsNobody = 'it prints and calls nobody, so there is no vendor that could answer so';

describeDestinationContract(test, {
  definition: log,
  settings: () => ({}),
  options: {},
  leftOut: {
    'version-ends': callsNobody,
    'person-unknown': callsNobody,
    'person-erased': callsNobody,
    'poisonous-row': callsNobody,
    'account-failure': callsNobody,
    'quota-nearly-used': callsNobody,
    'late-answer': callsNobody,
    'failed-look-up': callsNobody,
    'refused-look-up': callsNobody,
    'bad-row': callsNobody,
    'partial-answer': callsNobody,
    'malformed-answer': callsNobody,
    unauthorized: callsNobody,
    'refused-batch': callsNobody,
    redirect: callsNobody,
    'throttled-for-seconds': callsNobody,
    'throttled-until-date': callsNobody,
    'server-error': callsNobody,
    reset: callsNobody,
    timeout: callsNobody,
    aborted: callsNobody,
    'aborted-before': 'it prints at once and waits for nothing that could be stopped',
  },
});

const change: Change = {
  id: 'change-1',
  kind: 'entered',
  audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
  identity: { namespace: 'email', value: 'ann@example.com' },
  qualifiedAt: '2026-11-22T12:00:00.000Z',
  attributes: { firstname: 'Ann', city: 'Oslo' },
};

async function printed(settings: z.input<typeof log.settings>, changes: readonly Change[]): Promise<string[]> {
  const lines: string[] = [];
  const http = createHttpClient();
  const context = { http, now: Date.now, print: (line: string) => void lines.push(line) };
  const deliveries = changes.map((each) => ({ change: each, options: {} }));
  await log.connect(log.settings.parse(settings), context).enter(deliveries, new AbortController().signal);
  await http.close();
  return lines;
}

test('it prints one line per change, with the identity masked and attributes by name only', async () => {
  const short = { ...change, identity: { namespace: 'crmid', value: '42' } };
  expect(await printed(undefined, [change, short])).toEqual([
    'entered sports-fans email "a***" at 2026-11-22T12:00:00.000Z ["firstname","city"]',
    'entered sports-fans crmid "***" at 2026-11-22T12:00:00.000Z ["firstname","city"]',
  ]);
});

test('it shows identities and values when it is told to, and never more than one line', async () => {
  const odd = { ...change, identity: { namespace: 'email', value: 'ann\n\u001b[31m@example.com' } };
  expect(await printed({ showIdentities: true }, [odd])).toEqual([
    String.raw`entered sports-fans email "ann\n\u001b[31m@example.com" at 2026-11-22T12:00:00.000Z {"firstname":"Ann","city":"Oslo"}`,
  ]);
});
