import { expect, test } from 'vitest';
import type { SettledBatch } from './hub-process.ts';
import { Batches, stageMeans, type Journey } from './timeline.ts';

const batch = (first: number, last: number, startedMs: number, endedMs: number, partitionId = '0'): SettledBatch => ({
  partitionId,
  firstSequenceNumber: first,
  lastSequenceNumber: last,
  startedMs,
  endedMs,
  outcomes: {},
});
const journey = (sequenceNumber: number, acceptedMs: number, toldMs: number, partitionId = '0'): Journey => ({
  acceptedMs,
  toldMs,
  bare: { atMs: acceptedMs, partitionId, sequenceNumber },
});
const batches = [batch(3, 5, 150, 180), batch(0, 2, 100, 140), batch(0, 9, 0, 1_000, '1')];

test('the stages of a change are its latency: behind the batch before, read, told', () => {
  expect(new Batches(batches).stagesOf(journey(4, 110, 170))).toEqual({ behindMs: 30, readingMs: 10, tellingMs: 20 });
});

test('the first of a partition waits for no batch, and one of another partition is no matter', () => {
  expect(new Batches(batches).stagesOf(journey(0, 80, 130))).toEqual({ behindMs: 0, readingMs: 20, tellingMs: 30 });
});

test('a batch may begin before the sender knows that its events were accepted', () => {
  expect(new Batches(batches).stagesOf(journey(3, 155, 160))).toEqual({ behindMs: 0, readingMs: 0, tellingMs: 5 });
  expect(new Batches(batches).stagesOf(journey(3, 165, 160))).toEqual({ behindMs: 0, readingMs: 0, tellingMs: 0 });
});

test('a change whose batch was not seen has no stages', () => {
  expect(new Batches(batches).stagesOf(journey(6, 110, 170))).toBeUndefined();
  expect(new Batches([]).stagesOf(journey(0, 0, 1))).toBeUndefined();
});

test('the means are of all changes, and of those that make the p95', () => {
  const journeys = [journey(4, 110, 170), journey(5, 110, 170), journey(0, 80, 300)];
  const { all, slowest } = stageMeans(journeys, batches);
  expect(slowest).toEqual({ behind: 0, reading: 20, telling: 200 });
  expect(all).toEqual({ behind: 20, reading: 40 / 3, telling: 80 });
});
