import { expect, test } from 'vitest';
import { catalogue, Counters, createTelemetry, type Level } from './index.ts';

function recording(level: Level) {
  const lines: { level: Level; line: string }[] = [];
  const sums = new Counters();
  const telemetry = createTelemetry({ level, counters: sums, write: (at, line) => lines.push({ level: at, line }) });
  return { lines, sums, telemetry };
}

const settled = {
  partitionId: '0',
  events: 3,
  exports: 4,
  firstSequenceNumber: 7,
  lastSequenceNumber: 9,
  outcomes: { crm: { delivered: 2, unchanged: 1 }, ads: { delivered: 1 } },
  ledgerReads: 3,
  ledgerWrites: 6,
  formerIdentities: 0,
  durationMs: 12,
};

test('a signal is one JSON line with its name, its sentence and its fields', () => {
  const { telemetry, lines } = recording('information');
  telemetry.emit('batch-settled', settled);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.level).toBe('information');
  expect(JSON.parse(lines[0]?.line ?? '')).toEqual({
    signal: 'batch-settled',
    message: 'Settled 3 events of partition 0 in 12 ms.',
    ...settled,
  });
});

test('counters add up by label', () => {
  const { telemetry, sums } = recording('information');
  telemetry.emit('batch-settled', settled);
  telemetry.emit('batch-settled', settled);
  const value = (counter: string, labels: object) =>
    sums.values().find((c) => c.counter === counter && JSON.stringify(c.labels) === JSON.stringify(labels))?.value;
  expect(value('events-received', {})).toBe(6);
  expect(value('changes-settled', { destination: 'crm', outcome: 'delivered' })).toBe(4);
  expect(value('changes-settled', { destination: 'ads', outcome: 'delivered' })).toBe(2);
});

test('a line below the level is not written but counted', () => {
  const { telemetry, sums, lines } = recording('warning');
  telemetry.emit('batch-settled', settled);
  expect(lines).toEqual([]);
  expect(sums.values().length).toBeGreaterThan(0);
});

test('every signal is a noun and a past verb', () => {
  for (const name of Object.keys(catalogue))
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*-(unreadable|swept|given-up|[a-z]+ed)$/);
});
