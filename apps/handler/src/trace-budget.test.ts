import { ROOT_CONTEXT, SpanKind, trace, type Link } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { TraceBudget } from './trace-budget.ts';

const spanContext = (traceFlags: number, isRemote: boolean) => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags,
  isRemote,
});

function budget(perMinute: number) {
  const clock = { nowMs: 0 };
  const sampler = new TraceBudget(perMinute, () => clock.nowMs);
  const isExported = (context = ROOT_CONTEXT, links: Link[] = []): boolean =>
    sampler.shouldSample(context, '', '', SpanKind.CONSUMER, {}, links).decision ===
    SamplingDecision.RECORD_AND_SAMPLED;
  const isOtherExported = (): boolean =>
    sampler.shouldSample(ROOT_CONTEXT, '', '', SpanKind.CLIENT, {}, []).decision ===
    SamplingDecision.RECORD_AND_SAMPLED;
  const of = (times: number): number => Array.from({ length: times }, () => isExported()).filter(Boolean).length;
  return { clock, isExported, isOtherExported, of };
}

test('so many traces a minute are exported, and what was not used is not saved up', () => {
  const { clock, of } = budget(6);
  expect(of(100)).toBe(6);
  clock.nowMs += 10_000;
  expect(of(100)).toBe(1);
  clock.nowMs += 3_600_000;
  expect(of(100)).toBe(6);
  expect(budget(0).of(100)).toBe(0);
});

test('a trace is exported whole or not at all', () => {
  const { isExported, of } = budget(1);
  const within = (traceFlags: number) => trace.setSpanContext(ROOT_CONTEXT, spanContext(traceFlags, false));
  expect(of(2)).toBe(1);
  expect(isExported(within(1))).toBe(true);
  expect(budget(10).isExported(within(0))).toBe(false);
});

test('what the host says of its own trace counts for nothing', () => {
  const within = (traceFlags: number) => trace.setSpanContext(ROOT_CONTEXT, spanContext(traceFlags, true));
  expect(budget(1).isExported(within(0))).toBe(true);
  expect(budget(0).isExported(within(1))).toBe(false);
});

test('a retry of a batch that was exported is exported, however many were', () => {
  const { isExported, of } = budget(1);
  of(10);
  expect(isExported(ROOT_CONTEXT, [{ context: spanContext(1, true) }])).toBe(true);
  expect(isExported(ROOT_CONTEXT, [{ context: spanContext(0, true) }])).toBe(false);
});

test('a request outside of a batch or a retry, as of the night, takes nothing of the budget', () => {
  const { isOtherExported, of } = budget(1);
  expect(isOtherExported()).toBe(false);
  expect(of(2)).toBe(1);
});
