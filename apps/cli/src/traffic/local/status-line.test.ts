import type { Circuit, Overview, SeriesPoint } from '@activation-hub/console-contract';
import { expect, test } from 'vitest';
import { localStatus, statusLine, type StatusParts } from './status-line.ts';

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
const keys = ['? words', 'q end'];
/** Wider than any line. */
const wide = 1_000;
const lineOf = (parts: StatusParts): string => statusLine(parts)(wide);

test('a quiet run has rates and no more', () => {
  const points = [point, { ...point, delivered: 3, ageMedianMs: 120, ageHighMs: 900 }];
  expect(lineOf({ overview, points, before, keys })).toBe(
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
  expect(lineOf({ overview: troubled, points: [point], before, keys })).toMatch(
    /^crm is not called \(its circuit is open\), next try at \d\d:\d\d:\d\d \(in 8 s\) · ads is not called \(its circuit is open\), the next attempt decides · old is paused · crm is broken · 5\.0 exports\/s · 0\.0 told\/s · 7 behind · 12 wait · 1 dead letter {3}\?/,
  );
});

test('where every destination is paused it is said once', () => {
  const circuits: Circuit[] = ['crm', 'ads'].map((destination) => ({ destination, state: 'paused' }));
  expect(lineOf({ overview: { ...overview, circuits }, points: [], before, keys })).toMatch(
    /^everything is paused · 5\.0/,
  );
});

test('a question takes the place of everything', () => {
  expect(lineOf({ overview, points: [], before, keys, prompt: 'Break crm how?' })).toBe('Break crm how?');
});

test('a narrow terminal has the most important of it, in whole words', () => {
  const points = [{ ...point, delivered: 14, ageMedianMs: 120, ageHighMs: 200 }];
  const local = localStatus({ overview: () => ({ is: 'overview', overview, points: [] }), lately: () => points });
  local();
  const line = statusLine({ ...local(), before, overview: { ...overview, waiting: 12, deadLetters: 1 } });
  const rates = '5.0 exports/s · 14 told/s · age 0.1 s';
  const waits = '12 wait · 1 dead letter';
  const keysOf = (...words: string[]) => ['? words', ...words, 'q end'].join('  ');
  expect(line(160)).toBe(
    `${rates}, 95 % under 0.2 s · ${waits}   ${keysOf('o console', 's sample', 'p pause', 'r retry now', 'b break')}`,
  );
  expect(line(140)).toBe(
    `${rates} · ${waits}   ${keysOf('o console', 's sample', 'p pause', 'r retry now', 'b break')}`,
  );
  expect(line(119)).toBe(`${rates} · ${waits}   ${keysOf('o console', 's sample', 'p pause')}`);
  expect(line(80)).toBe(`${rates} · ${waits}   ${keysOf()}`);
  expect(line(79)).toBe(`14 told/s · age 0.1 s · ${waits}   ${keysOf()}`);
  expect(line(50)).toBe(`${waits}   ${keysOf()}`);
  expect(line(30)).toBe(waits);
  expect(line(22)).toBe('1 dead letter');
  expect(line(12)).toBe('1 dead…');
});

test('at every width what needs a person stays longest, and no line is wider than its terminal', () => {
  const circuits: Circuit[] = [{ destination: 'crm', state: 'open', untilMs: 107_900, reason: '503' }];
  const line = statusLine({ overview: { ...overview, circuits, waiting: 3 }, points: [point], before, keys });
  const words = new Set(line(wide).split(' '));
  for (let columns = 1; columns <= 130; columns += 1) {
    const shown = line(columns);
    expect(shown.length).toBeLessThanOrEqual(columns);
    if (columns < 'crm…'.length) continue;
    expect(shown).toMatch(/^crm/);
    for (const word of shown.replace('…', '').split(' ')) expect(words).toContain(word);
  }
});

test('a question that is too long keeps whole words', () => {
  const prompt = 'Break which destination?  1 crm  2 ads  (another key: nothing)';
  expect(statusLine({ overview, points: [], before, keys, prompt })(40)).toBe(
    'Break which destination?  1 crm  2 ads…',
  );
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
  expect(lineOf(status())).toMatch(/^1\.0 exports\/s · 0\.0 told\/s {3}\? words/);
});
