import { expect, test } from 'vitest';
import { askedToEnd, endSignals } from './asked-to-end.ts';

type Asked = readonly [atMs: number, signal: (typeof endSignals)[number]];

/** What a process does at these signals. */
function doneAt(...signals: readonly Asked[]): readonly string[] {
  const done: string[] = [];
  let nowMs = 0;
  const hear = askedToEnd({
    now: () => nowMs,
    interrupt: () => void done.push(`${nowMs} interrupts`),
    exit: (code) => void done.push(`${nowMs} exits with ${code}`),
  });
  for (const [atMs, signal] of signals) {
    nowMs = atMs;
    hear(signal);
  }
  return done;
}

test.each<[string, readonly Asked[], readonly string[]]>([
  ['one signal lets the work end well', [[10, 'SIGINT']], ['10 interrupts']],
  // A terminal's Ctrl-C goes to npm and to the command, and npm passes it on.
  [
    'what comes twice at once is one request',
    [
      [10, 'SIGINT'],
      [11, 'SIGINT'],
      [1010, 'SIGINT'],
    ],
    ['10 interrupts'],
  ],
  [
    'two kinds at once are one request',
    [
      [10, 'SIGINT'],
      [12, 'SIGTERM'],
    ],
    ['10 interrupts'],
  ],
  [
    'a second Ctrl-C ends at once, with 130',
    [
      [10, 'SIGINT'],
      [1011, 'SIGINT'],
    ],
    ['10 interrupts', '1011 exits with 130'],
  ],
  [
    'a second SIGTERM ends at once, with 143',
    [
      [10, 'SIGINT'],
      [1900, 'SIGTERM'],
    ],
    ['10 interrupts', '1900 exits with 143'],
  ],
  [
    'so does a terminal that is closed',
    [
      [10, 'SIGTERM'],
      [1900, 'SIGHUP'],
    ],
    ['10 interrupts', '1900 exits with 143'],
  ],
])('%s', (_what, signals, done) => {
  expect(doneAt(...signals)).toEqual(done);
});
