import type { Circuit, Overview, SeriesPoint } from '@activation-hub/console-contract';
import { expect, test } from 'vitest';
import { localStatus, statusLine } from './status-line.ts';

const overview: Overview = {
  atMs: 100_000,
  attention: [],
  cells: [],
  circuits: [{ destination: 'crm', state: 'closed' }],
  faults: { crm: 'none' },
  partitions: [{ partitionId: '0', events: 0, lastSequenceNumber: 9 }],
  deadLetters: 0,
  waiting: 0,
  exports: 150,
};
const point: SeriesPoint = { atMs: 0, delivered: 0, deferred: 0, failed: 0, silent: 0 };
const before = { exports: 100, atMs: 90_000 };
const keys = '? words  q end';

test('a quiet run has rates and no more', () => {
  const points = [point, { ...point, delivered: 3, ageMedianMs: 120, ageHighMs: 900 }];
  expect(statusLine({ overview, points, before, keys })).toBe(
    '5.0 exports/s · 1.5 told/s · age 0.1 s, 95 % under 0.9 s   ? words  q end',
  );
});

test('what needs a person comes first: a circuit with its next try, what is broken, then what waits', () => {
  const circuits: Circuit[] = [
    { destination: 'crm', state: 'open', untilMs: 107_900, reason: '503' },
    { destination: 'ads', state: 'half-open' },
    { destination: 'old', state: 'paused' },
  ];
  const troubled = {
    ...overview,
    circuits,
    faults: { crm: 'down', ads: 'none' },
    partitions: [
      { partitionId: '0', events: 3, lastSequenceNumber: 9 },
      { partitionId: '1', events: 4, lastSequenceNumber: 9 },
    ],
    waiting: 12,
    deadLetters: 1,
  } as const;
  expect(statusLine({ overview: troubled, points: [point], before, keys })).toMatch(
    /^crm is open, next try at \d\d:\d\d:\d\d \(in 8 s\) · ads is open, the next attempt decides · old is paused · crm is broken · 5\.0 exports\/s · 0\.0 told\/s · 7 behind · 12 wait · 1 dead letter {3}\?/,
  );
});

test('where every destination is paused it is said once', () => {
  const circuits: Circuit[] = ['crm', 'ads'].map((destination) => ({ destination, state: 'paused' }));
  expect(statusLine({ overview: { ...overview, circuits }, points: [], before, keys })).toMatch(
    /^everything is paused · 5\.0/,
  );
});

test('a question takes the place of everything', () => {
  expect(statusLine({ overview, points: [], before, keys, prompt: 'Break crm how?' })).toBe('Break crm how?');
});

test('exports are counted over the last ten seconds, whatever was before', () => {
  let exports = 0;
  let atMs = 0;
  const status = localStatus({
    overview: () => ({ is: 'overview', overview: { ...overview, exports, atMs }, points: [] }),
    lately: () => [],
  });
  for (let second = 0; second <= 30; second += 1) {
    atMs = second * 1_000;
    exports += second <= 20 ? 100 : 1;
    status();
  }
  expect(statusLine(status())).toMatch(/^1\.0 exports\/s · 0\.0 told\/s {3}\? words/);
});
