import { catalogue, createTelemetry, Counters } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { logAlerts } from './alert-rules.ts';
import { workbookContent } from './workbook.ts';

const limits = { silenceHours: 24, lagEventsMax: 1000, deadLettersPerHourMax: 10, oldestMinutesMax: 60 };
const alerts = logAlerts(limits);
const queries = [...alerts.map(({ query }) => query), workbookContent(limits)];

test('names are stable and each there once', () => {
  expect(alerts.map(({ name }) => name)).toEqual([
    'nothing-received',
    'lag',
    'dead-letters',
    'destination-set-up',
    'stalled-partition',
    'oldest-unsettled',
  ]);
});

test('every signal that is asked for is one that the handler gives', () => {
  const asked = queries.flatMap((query) =>
    [...query.matchAll(/signal (?:==|in) \(?((?:'[a-z-]+'(?:, )?)+)/g)].flatMap(([, words]) =>
      [...(words ?? '').matchAll(/[a-z-]+/g)].map(([word]) => word),
    ),
  );
  expect([...new Set(asked)].toSorted()).toEqual([
    'batch-settled',
    'event-unreadable',
    'lag-measured',
    'partition-stalled',
    'request-failed',
    'retry-settled',
  ]);
  expect(Object.keys(catalogue)).toEqual(expect.arrayContaining(asked));
});

test('a line of the handler begins as the queries expect, and has the fields that they read', () => {
  const lines: string[] = [];
  const write = (_level: string, line: string): unknown => lines.push(line);
  const telemetry = createTelemetry({ level: 'information', counters: new Counters(), write });
  const outcomes = { crm: { rejected: 1, 'gave-up': 2 } };
  const counted = { events: 1, outcomes, ledgerReads: 0, ledgerWrites: 0, durationMs: 1 };
  const where = { partitionId: '0', firstSequenceNumber: 1 };
  telemetry.emit('batch-settled', { ...where, ...counted, exports: 1, lastSequenceNumber: 1 });
  telemetry.emit('retry-settled', { ...counted, destination: 'crm', attempts: 1 });
  telemetry.emit('partition-stalled', { ...where, reason: 'r' });
  const failed = { destination: 'crm', kind: 'k', changes: 1, class: 'set-up', reason: 'r', durationMs: 1 };
  telemetry.emit('request-failed', failed);
  telemetry.emit('lag-measured', { partitionId: '0', events: 5, oldestAgeMs: 60_000 });
  for (const line of lines) expect(line.startsWith('{"signal":')).toBe(true);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ signal: 'batch-settled', partitionId: '0', outcomes }),
    expect.objectContaining({ signal: 'retry-settled', outcomes }),
    expect.objectContaining({ signal: 'partition-stalled', partitionId: '0', reason: 'r' }),
    expect.objectContaining({ signal: 'request-failed', destination: 'crm', class: 'set-up', changes: 1 }),
    expect.objectContaining({ signal: 'lag-measured', partitionId: '0', events: 5, oldestAgeMs: 60_000 }),
  ]);
});

test.each(alerts)(
  '$name gives the column that is compared, and those of its dimensions',
  ({ query, column, dimensions }) => {
    const ending = query.split('\n').slice(-3).join('\n');
    for (const name of [column, ...dimensions]) expect(ending).toMatch(new RegExp(`\\b${name}\\b`));
  },
);

test.each([
  [1, 'PT1H'],
  [6, 'PT6H'],
  [24, 'P1D'],
  [48, 'P2D'],
])('silence of %d hours is asked about as %s', (silenceHours, window) => {
  const [silence] = logAlerts({ ...limits, silenceHours });
  expect(silence).toMatchObject({ name: 'nothing-received', window, operator: 'LessThanOrEqual', threshold: 0 });
});

test('the limits are the thresholds', () => {
  const thresholds = Object.fromEntries(alerts.map(({ name, threshold }) => [name, threshold]));
  expect(thresholds).toMatchObject({ lag: 1000, 'dead-letters': 10, 'oldest-unsettled': 60 });
});
