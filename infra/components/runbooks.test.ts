import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue, type SignalName } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { alertsOf, runbooksFolder } from './alerts.ts';

const folder = join(import.meta.dirname, '..', '..', runbooksFolder);
const alerts = alertsOf({ silenceHours: 24, lagEventsMax: 1000, deadLettersPerHourMax: 10, oldestMinutesMax: 60 });
const pageOf = (name: string): string => readFileSync(join(folder, `${name}.md`), 'utf8');

/** The queries of a page. */
const queriesOf = (page: string): readonly string[] =>
  [...page.matchAll(/^```kusto\n([^]*?)^```$/gm)].map(([, query]) => query ?? '');

/**
 * Tables of a workspace that the stack's own resources write to, and those of the workspace about
 * itself.
 */
const tables = ['AppTraces', 'AppMetrics', 'AppRequests', 'AppExceptions', 'AzureMetrics', '_LogOperation', 'Usage'];

/**
 * What of a query would not run, or would find nothing. No parser of KQL: brackets, quotes, tables,
 * signals.
 */
function queryFaults(query: string): readonly string[] {
  const bare = query.replaceAll(/'[^'\n]*'/g, "''");
  const [source = ''] = query.trimStart().split('\n');
  const named = source.replace(/^union /, '').split(', ');
  const words = [...query.matchAll(/tostring\(fields\.signal\) (?:==|in) \(?((?:'[\w-]+'(?:, )?)+)/g)].flatMap(
    ([, all]) => [...(all ?? '').matchAll(/[\w-]+/g)].map(([word]) => word),
  );
  return [
    ...named.filter((table) => !tables.includes(table)).map((table) => `${table} is no table of the workspace`),
    ...words.filter((word) => !(word in catalogue)).map((word) => `${word} is no signal of the handler`),
    // Lines of such a signal may be left out, so that their number says nothing.
    ...words
      .filter(
        (word) =>
          (word in catalogue ? catalogue[word as SignalName].isByClock : true) !== true &&
          /\b(?:count|countif|sum)\(/.test(bare),
      )
      .map((word) => `lines of ${word} are counted`),
    ...(count(bare, '(') === count(bare, ')') && count(query, "'") % 2 === 0 ? [] : ['brackets or quotes are open']),
    ...bare
      .trimEnd()
      .split('\n')
      .slice(1)
      .filter((line) => !/^\| (?:where|extend|summarize|project|order by) /.test(line))
      .map((line) => `${line} is no step`),
  ];
}

const count = (text: string, letter: string): number => text.split(letter).length - 1;

test.each(alerts)(
  '$name has a runbook: what it means, what to look at, what to do, whom to wake',
  ({ name, severity }) => {
    expect(existsSync(join(folder, `${name}.md`))).toBe(true);
    const page = pageOf(name);
    expect([...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'What it means',
      'Look first',
      'What to do',
      'Whom to wake',
    ]);
    expect(page).toMatch(new RegExp(`^Severity ${severity}\\b`, 'm'));
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`| [${name}](${name}.md) | ${severity} |`);
  },
);

test('there is no runbook of an alert that is gone', () => {
  const pages = readdirSync(folder).filter((file) => file !== 'README.md');
  expect(pages.toSorted()).toEqual(alerts.map(({ name }) => `${name}.md`).toSorted());
});

test('every query of a runbook asks a table that there is for signals that the handler writes', () => {
  const queries = alerts.flatMap(({ name }) => queriesOf(pageOf(name)).map((query) => ({ name, query })));
  expect(queries.length).toBeGreaterThan(10);
  expect(queries.flatMap(({ name, query }) => queryFaults(query).map((fault) => `${name}: ${fault}`))).toEqual([]);
});

test.each([
  ['AppTrace\n| where Message == 1', 'AppTrace is no table of the workspace'],
  ["AppTraces\n| where tostring(fields.signal) == 'lag-mesured'", 'lag-mesured is no signal of the handler'],
  [
    "AppTraces\n| where tostring(fields.signal) == 'request-failed'\n| summarize count()",
    'lines of request-failed are counted',
  ],
  ['AppTraces\n| where (Message == 1', 'brackets or quotes are open'],
  ['AppTraces\n| were Message == 1', '| were Message == 1 is no step'],
])('control: %j is found', (query, fault) => {
  expect(queryFaults(query)).toEqual([fault]);
});
