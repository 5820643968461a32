import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { recordOpenTelemetry } from '../testing/index.ts';
import { Counters, createTelemetry, silentTelemetry, type Telemetry } from './index.ts';
import { traceHeaders, withinTrace } from './open-telemetry.ts';

function recording(options: Parameters<typeof recordOpenTelemetry>[0] = {}) {
  const recorded = recordOpenTelemetry(options);
  const lines: string[] = [];
  const telemetry = createTelemetry({
    level: 'warning',
    counters: new Counters(),
    write: (_level, line) => void lines.push(line),
    exported: recorded.exported,
  });
  return { ...recorded, telemetry, lines };
}

const answered = { destination: 'crm', kind: 'entered', delivered: 2, retry: 1, rejected: 0, notFound: 0 };

test('a signal counts and measures also where its line is not written; what comes by the clock is written', async () => {
  const { telemetry, points, lines } = recording();
  telemetry.emit('request-answered', { ...answered, durationMs: 250 });
  telemetry.emit('request-answered', { ...answered, durationMs: 750 });
  telemetry.emit('lag-measured', { partitionId: '3', events: 5, oldestAgeMs: 1_500 });
  telemetry.emit('lag-measured', { partitionId: '3', events: 4, oldestAgeMs: 2_500 });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { signal: 'lag-measured', events: 5 },
    { signal: 'lag-measured', events: 4 },
  ]);
  const of = { 'activation.destination': 'crm', 'activation.result': 'answered' };
  const partition = { 'messaging.destination.partition.id': '3' };
  expect(await points()).toMatchObject([
    { metric: 'activation.requests_sent', attributes: of, value: 2 },
    { metric: 'activation.request_duration', attributes: of, value: { count: 2, sum: 1 } },
    { metric: 'activation.request_changes', attributes: { 'activation.destination': 'crm' }, value: { sum: 6 } },
    { metric: 'activation.partition_lag', attributes: partition, value: 4 },
    { metric: 'activation.partition_oldest_age', attributes: partition, value: 2.5 },
  ]);
});

test('a counter that did not move makes no series', async () => {
  const { telemetry, points } = recording();
  const counts = { ledgerReads: 0, ledgerWrites: 0, formerIdentities: 0, outcomes: {}, durationMs: 20 };
  const events = { partitionId: '0', events: 3, exports: 3, firstSequenceNumber: 1, lastSequenceNumber: 3 };
  telemetry.emit('batch-settled', { ...events, ...counts });
  expect((await points()).map(({ metric }) => metric)).toEqual([
    'activation.events_received',
    'activation.exports_read',
    'messaging.process.duration',
    'activation.batch_events',
  ]);
});

test('a gauge of this process is asked when metrics are collected, and a later answer takes the place of an earlier', async () => {
  const { exported, points } = recording();
  let bytes = 10;
  exported.observe('cache-bytes', () => [{ value: -1, labels: {} }]);
  exported.observe('cache-bytes', () => [{ value: bytes, labels: {} }]);
  const shown = async () => (await points()).map(({ metric, value }) => [metric, value]);
  expect(await shown()).toEqual([['activation.cache_bytes', 10]]);
  bytes = 20;
  expect(await shown()).toEqual([['activation.cache_bytes', 20]]);
});

const batch = { attributes: { 'messaging.batch.message_count': 2 } };

/** A batch that is read at once and tells in parallel. */
async function playBatch(telemetry: Telemetry): Promise<void> {
  await telemetry.span('process events', batch, async () => {
    telemetry.stage('read', () => undefined);
    await telemetry.stage('tell', async () => {
      const send = async (destination: string): Promise<void> =>
        telemetry.span('send changes', { attributes: { 'activation.destination': destination } }, async (span) => {
          await Promise.resolve();
          span.set({ 'activation.changes': 1 });
          if (destination === 'ads') span.fail('throttled');
        });
      await Promise.all([send('crm'), send('ads')]);
    });
  });
}

test('a batch is one trace: stages are in it, and what they send is in them', async () => {
  const { telemetry, spans, points } = recording();
  await playBatch(telemetry);
  const byId = new Map(spans().map((span) => [span.spanContext().spanId, span]));
  const shown = spans().map((span) => [
    span.name,
    byId.get(span.parentSpanContext?.spanId ?? '')?.name,
    SpanKind[span.kind],
    SpanStatusCode[span.status.code],
    span.attributes,
  ]);
  expect(shown).toEqual([
    ['read', 'process events', 'INTERNAL', 'UNSET', {}],
    ['send changes', 'tell', 'CLIENT', 'UNSET', { 'activation.destination': 'crm', 'activation.changes': 1 }],
    [
      'send changes',
      'tell',
      'CLIENT',
      'ERROR',
      { 'activation.destination': 'ads', 'activation.changes': 1, 'error.type': 'throttled' },
    ],
    ['tell', 'process events', 'INTERNAL', 'UNSET', {}],
    ['process events', undefined, 'CONSUMER', 'UNSET', batch.attributes],
  ]);
  expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1);
  const stages = (await points()).filter(({ metric }) => metric === 'activation.stage_duration');
  expect(stages.map(({ attributes }) => attributes['activation.stage'])).toEqual(['read', 'tell']);
});

class OutOfReach extends Error {
  override readonly name = 'OutOfReach';
}

test.each<[string, (telemetry: Telemetry) => Promise<unknown>]>([
  [
    'at once',
    (telemetry) =>
      Promise.resolve().then(() =>
        telemetry.stage('read', () => {
          throw new OutOfReach('ann@example.com');
        }),
      ),
  ],
  ['later', (telemetry) => telemetry.stage('read', () => Promise.reject(new OutOfReach('ann@example.com')))],
])(
  'work that fails %s fails so for the caller, and its span says the kind of error and none of its words',
  async (_when, play) => {
    const { telemetry, spans, text } = recording();
    await expect(play(telemetry)).rejects.toThrow(OutOfReach);
    expect(spans()).toMatchObject([
      { name: 'read', status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'OutOfReach' }, events: [] },
    ]);
    expect(await text()).not.toContain('ann@example.com');
  },
);

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a batch belongs to the trace of the host that calls, and without one begins its own', async () => {
  const { telemetry, spans } = recording();
  await withinTrace({ traceparent }, () => playBatch(telemetry));
  expect(spans().at(-1)).toMatchObject({ parentSpanContext: { spanId: 'b7ad6b7169203331' } });
  expect(spans().at(-1)?.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  await withinTrace({ traceparent: 'nonsense' }, () => playBatch(telemetry));
  expect(spans().at(-1)?.parentSpanContext).toBeUndefined();
});

test('a retry is a trace of its own, linked to the span whose traceparent it kept', async () => {
  const { telemetry, spans } = recording();
  const kept = await telemetry.span('process events', { attributes: {} }, () =>
    Promise.resolve(telemetry.traceParent()),
  );
  const [origin] = spans();
  await telemetry.span('process retry', { attributes: {}, link: kept }, () => Promise.resolve());
  const retry = spans()[1];
  expect(retry?.parentSpanContext).toBeUndefined();
  expect(retry?.spanContext().traceId).not.toBe(origin?.spanContext().traceId);
  expect(retry?.links).toMatchObject([
    { context: { traceId: origin?.spanContext().traceId, spanId: origin?.spanContext().spanId } },
  ]);
});

test.each(['', 'nonsense', '00-00000000000000000000000000000000-b7ad6b7169203331-01', traceparent.slice(0, -1)])(
  'what a retry keeps that is no traceparent is no link: %j',
  async (link) => {
    const { telemetry, spans } = recording();
    await telemetry.span('process retry', { attributes: {}, link }, () => Promise.resolve());
    expect(spans()[0]?.links).toEqual([]);
  },
);

test('a request carries the span in which it is sent, by W3C Trace Context', async () => {
  const { telemetry, spans } = recording();
  expect(traceHeaders()).toEqual({});
  const headers = await telemetry.span('send changes', { attributes: {} }, () => Promise.resolve(traceHeaders()));
  const { traceId, spanId } = spans()[0]?.spanContext() ?? {};
  expect(headers).toEqual({ traceparent: `00-${traceId ?? ''}-${spanId ?? ''}-01` });
});

test('of a trace that is not exported a retry keeps nothing, and a request says so', async () => {
  const { telemetry, spans } = recording({ sampler: new AlwaysOffSampler() });
  const [kept, headers] = await telemetry.span('process events', { attributes: {} }, () =>
    Promise.resolve([telemetry.traceParent(), traceHeaders()] as const),
  );
  expect(kept).toBeUndefined();
  expect(headers.traceparent).toMatch(/-00$/);
  expect(spans()).toEqual([]);
});

test('without a receiver the work is done, and nothing else', async () => {
  const silent = createTelemetry({ level: 'error', counters: new Counters(), write: () => undefined });
  for (const telemetry of [silent, silentTelemetry]) {
    expect(telemetry.stage('read', () => 7)).toBe(7);
    expect(
      await telemetry.span('process events', { attributes: {} }, (span) => {
        span.set({ 'messaging.batch.message_count': 1 });
        span.fail('fatal');
        return Promise.resolve(context.active());
      }),
    ).toBe(context.active());
    expect(telemetry.traceParent()).toBeUndefined();
    telemetry.record('change-age', 1, { destination: 'crm' });
  }
});
