import { expect, test } from 'vitest';
import { catalogue, Counters, createTelemetry, LineBudget, type Level, type SignalName } from './index.ts';

const rejected = { destination: 'crm', reason: 'no address.', changes: 2 };
const lag = { partitionId: '0', events: 0, oldestAgeMs: 0 };

function recording(perMinute: number, level: Level = 'information') {
  const clock = { nowMs: 0 };
  const lines: Record<string, unknown>[] = [];
  const counters = new Counters();
  const budget = new LineBudget(perMinute, () => clock.nowMs);
  const write = (_level: Level, line: string): unknown => lines.push(JSON.parse(line) as Record<string, unknown>);
  // Each invocation has telemetry of its own; the budget is the process's.
  const telemetry = () => createTelemetry({ level, counters, write, budget });
  return { clock, lines, counters, telemetry };
}

test('so many lines of a signal are written in a minute; the next says how many were left out', () => {
  const { clock, lines, telemetry } = recording(2);
  for (let line = 0; line < 5; line += 1) telemetry().emit('changes-rejected', rejected);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).not.toHaveProperty('leftOut');
  clock.nowMs += 30_000;
  for (let line = 0; line < 2; line += 1) telemetry().emit('changes-rejected', rejected);
  clock.nowMs += 60_000;
  telemetry().emit('changes-rejected', rejected);
  expect(lines.map(({ leftOut }) => leftOut)).toEqual([undefined, undefined, 3, 1]);
});

test('a clock that is set back takes no line away', () => {
  const { clock, lines, telemetry } = recording(2);
  telemetry().emit('changes-rejected', rejected);
  clock.nowMs -= 3_600_000;
  telemetry().emit('changes-rejected', rejected);
  clock.nowMs += 30_000;
  telemetry().emit('changes-rejected', rejected);
  expect(lines).toHaveLength(3);
});

test('signals have a budget each', () => {
  const { lines, telemetry } = recording(1);
  for (let line = 0; line < 3; line += 1) telemetry().emit('changes-rejected', rejected);
  telemetry().emit('request-failed', {
    destination: 'crm',
    kind: 'entered',
    changes: 1,
    class: 'transient',
    reason: 'r',
    durationMs: 1,
  });
  expect(lines.map(({ signal }) => signal)).toEqual(['changes-rejected', 'request-failed']);
});

test('what a line that is left out counts is counted', () => {
  const { counters, lines, telemetry } = recording(0);
  telemetry().emit('event-unreadable', { partitionId: '0', sequenceNumber: 1, code: 'invalid-json', path: '$' });
  expect(lines).toEqual([]);
  expect(counters.values()).toEqual([{ counter: 'events-unreadable', labels: { code: 'invalid-json' }, value: 1 }]);
});

test('a line that comes by the clock is written whatever the budget and the level', () => {
  const { lines, telemetry } = recording(0, 'error');
  for (let line = 0; line < 3; line += 1) telemetry().emit('lag-measured', lag);
  expect(lines).toHaveLength(3);
});

test('lines that come by the clock are those of timers, and one complaint a minute', () => {
  const names = (Object.keys(catalogue) as SignalName[]).filter((name) => catalogue[name].isByClock === true);
  expect(names).toEqual(['lag-measured', 'controls-unreadable', 'memberships-delayed', 'ledger-exported']);
});
