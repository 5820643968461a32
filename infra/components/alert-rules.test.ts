import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  catalogue,
  createTelemetry,
  Counters,
  instruments,
  labels,
  metricName,
  outcomes,
  type SignalName,
} from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { logAlerts } from './alert-rules.ts';
import { workbookContent } from './workbook.ts';

const repository = join(import.meta.dirname, '..', '..');
const limits = { silenceHours: 24, lagEventsMax: 1000, deadLettersPerHourMax: 10, oldestMinutesMax: 60 };
const alerts = logAlerts(limits);
const workbookQueries = [...workbookContent(limits, '').matchAll(/"query":("(?:[^"\\]|\\.)*")/g)].map(
  ([, text]) => JSON.parse(text ?? '""') as string,
);
const queries = [...alerts.map(({ query }) => query), ...workbookQueries];

test('names are stable and each there once', () => {
  expect(alerts.map(({ name }) => name)).toEqual([
    'nothing-received',
    'lag',
    'dead-letters',
    'oldest-unsettled',
    'handler-silent',
    'destination-set-up',
    'stalled-partition',
    'stalled-destination',
    'controls-unreadable',
    'ledger-not-exported',
    'memberships-late',
    'logs-capped',
  ]);
});

test('every signal that is asked for is one that the handler gives', () => {
  expect(workbookQueries).toHaveLength(12);
  expect([...new Set(queries.flatMap(statementsOf).flatMap(({ signals }) => signals))].toSorted()).toEqual([
    'controls-unreadable',
    'lag-measured',
    'ledger-exported',
    'memberships-delayed',
    'request-failed',
  ]);
});

test('no alert asks for a line that may be left out, and nothing counts such lines', () => {
  const asked = alerts.flatMap(({ query }) => statementsOf(query)).flatMap(({ signals }) => signals);
  const mayBeLeftOut = (name: string): boolean => catalogue[name as SignalName].isByClock !== true;
  expect(asked.filter(mayBeLeftOut)).toEqual([]);
  const sampled = queries.filter((query) => statementsOf(query).some(({ signals }) => signals.some(mayBeLeftOut)));
  expect(sampled).toHaveLength(1);
  for (const query of sampled) expect(query).not.toMatch(/\b(?:count|countif|sum|avg|percentile)\(/);
});

/** One line of each signal that a rule asks for, as the handler writes it. */
function linesBySignal(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  const lines: string[] = [];
  const write = (_level: string, line: string): unknown => lines.push(line);
  const telemetry = createTelemetry({ level: 'information', counters: new Counters(), write });
  const why = { class: 'set-up', reason: 'r' };
  telemetry.emit('request-failed', { destination: 'crm', kind: 'k', changes: 1, durationMs: 1, ...why });
  telemetry.emit('controls-unreadable', { reason: 'r' });
  telemetry.emit('lag-measured', { partitionId: '0', events: 5, oldestAgeMs: 60_000 });
  telemetry.emit('ledger-exported', { blob: 'b', rows: 1, durationMs: 1 });
  telemetry.emit('memberships-delayed', { destination: 'google', memberships: 1, isWhole: true });
  for (const line of lines) expect(line.startsWith('{"signal":')).toBe(true);
  const parsed = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return new Map(parsed.map((line) => [String(line.signal), line]));
}

/** Of each statement of the queries: which signals it takes, and which of their fields it reads. */
function statementsOf(
  query: string,
): readonly { readonly signals: readonly string[]; readonly fields: readonly string[] }[] {
  return query.split(/;\n/).map((statement) => ({
    signals: [...statement.matchAll(/signal (?:==|in) \(?((?:'[a-z-]+'(?:, )?)+)/g)].flatMap(([, words]) =>
      [...(words ?? '').matchAll(/[a-z-]+/g)].map(([word]) => word),
    ),
    fields: [...statement.matchAll(/fields\.(\w+)/g)].flatMap(([, field]) => (field === 'signal' ? [] : [field ?? ''])),
  }));
}

test('the handler writes every field that a query reads of a signal', () => {
  const lines = linesBySignal();
  const statements = queries.flatMap(statementsOf);
  const read = statements.flatMap(({ signals, fields }) =>
    signals.flatMap((signal) => fields.map((field) => `${signal}.${field}`)),
  );
  expect([...new Set(read)].toSorted()).toEqual([
    'lag-measured.events',
    'lag-measured.oldestAgeMs',
    'lag-measured.partitionId',
    'memberships-delayed.destination',
    'request-failed.class',
    'request-failed.destination',
    'request-failed.reason',
  ]);
  for (const name of read) {
    const [signal = '', field = ''] = name.split('.');
    expect(lines.get(signal), name).toHaveProperty(field);
  }
});

test('every metric that is asked for is one that the handler measures, and is told apart by attributes that it has', () => {
  const attributesByMetric = new Map(
    (Object.keys(instruments) as (keyof typeof instruments)[]).map((name) => [
      metricName(name),
      instruments[name].labels.map((label) => labels[label].attribute as string),
    ]),
  );
  const asked = queries
    .flatMap((query) => query.split(/;\n/))
    .filter((statement) => statement.includes('AppMetrics\n'));
  expect(asked).toHaveLength(14);
  for (const statement of asked) {
    const [, metric = ''] = /Name == '([^']+)'/.exec(statement) ?? [];
    const attributes = [...statement.matchAll(/Properties\['([^']+)'\]/g)].map(([, attribute]) => attribute);
    expect([...attributesByMetric.keys()]).toContain(metric);
    expect(attributesByMetric.get(metric), metric).toEqual(expect.arrayContaining(attributes));
  }
  // A chart tells apart everything that a metric has.
  for (const query of workbookQueries.filter((query) => query.startsWith('AppMetrics\n'))) {
    const [, metric = ''] = /Name == '([^']+)'/.exec(query) ?? [];
    const attributes = [...query.matchAll(/Properties\['([^']+)'\]/g)].map(([, attribute]) => attribute);
    expect(attributesByMetric.get(metric), metric).toEqual(attributes);
  }
});

test('outcomes that make dead letters, and the class of a wrong set-up, are words of the handler', () => {
  const query = (alert: string) => alerts.find(({ name }) => name === alert)?.query ?? '';
  expect(query('dead-letters')).toContain("['activation.outcome']) in ('rejected', 'given-up')");
  expect(outcomes).toEqual(expect.arrayContaining(['rejected', 'given-up']));
  const verdict = readFileSync(join(repository, 'libs', 'destination-kit', 'src', 'verdict.ts'), 'utf8');
  expect(verdict).toContain("'set-up'");
  expect(query('destination-set-up')).toContain("['activation.result']) == 'set-up'");
});

test('every counter that an alert sums is raised by what it stands for', () => {
  const counters = new Counters();
  const telemetry = createTelemetry({ level: 'error', counters, write: () => undefined });
  const counted = { ledgerReads: 0, ledgerWrites: 0, formerIdentities: 0, durationMs: 1, events: 1 };
  const outcomesOf = { crm: { rejected: 2, 'given-up': 1, delivered: 5 } };
  const where = { partitionId: '0', exports: 1, firstSequenceNumber: 1, lastSequenceNumber: 1 };
  telemetry.emit('batch-settled', { ...where, ...counted, outcomes: outcomesOf });
  telemetry.emit('retry-settled', { ...counted, destination: 'crm', attempts: 1, ageMs: 1, outcomes: outcomesOf });
  telemetry.emit('event-unreadable', { partitionId: '0', sequenceNumber: 1, code: 'invalid-json', path: '$' });
  telemetry.emit('destination-stalled', { destination: 'crm', changes: 30, reason: 'r' });
  const failed = { destination: 'crm', kind: 'k', changes: 1, durationMs: 1, reason: 'r' };
  telemetry.emit('request-failed', { ...failed, class: 'set-up' });
  const told = counters.values().map(({ counter, labels: of, value }) => [metricName(counter), of, value]);
  expect(told).toEqual(
    expect.arrayContaining([
      ['activation.changes_settled', { destination: 'crm', outcome: 'rejected' }, 4],
      ['activation.changes_settled', { destination: 'crm', outcome: 'given-up' }, 2],
      ['activation.events_unreadable', { code: 'invalid-json' }, 1],
      ['activation.destinations_stalled', { destination: 'crm' }, 1],
      ['activation.requests_sent', { destination: 'crm', result: 'set-up' }, 1],
    ]),
  );
});

test('host.json lets through what is asked for: signals, failures of functions, and all of them; no line for a run', () => {
  const { logging } = JSON.parse(readFileSync(join(repository, 'apps', 'handler', 'host.json'), 'utf8')) as {
    readonly logging: {
      readonly logLevel: Readonly<Record<string, string>>;
      readonly applicationInsights: { readonly samplingSettings: { readonly excludedTypes: string } };
    };
  };
  // The host writes what a function logs as Function.<name>.User, a failed run as an error of
  // Host.Results, and that a run begins and ends as Function.<name>, three lines for each run.
  expect(logging.logLevel).toMatchObject({ Function: 'Warning', 'Host.Results': 'Warning' });
  const functions = readFileSync(join(repository, 'apps', 'handler', 'src', 'functions.ts'), 'utf8');
  const names = [...functions.matchAll(/app\.(?:generic|storageQueue|timer|http)\('([\w-]+)'/g)].map(
    ([, name]) => name,
  );
  expect(names.length).toBeGreaterThan(7);
  // The app decides itself which lines it writes.
  const ofFunctions = Object.entries(logging.logLevel).filter(([category]) => category.startsWith('Function.'));
  expect(Object.fromEntries(ofFunctions)).toEqual(
    Object.fromEntries(names.map((name) => [`Function.${String(name)}.User`, 'Debug'])),
  );
  const { excludedTypes } = logging.applicationInsights.samplingSettings;
  expect(excludedTypes.split(';')).toEqual(expect.arrayContaining(['Trace', 'Request']));
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
