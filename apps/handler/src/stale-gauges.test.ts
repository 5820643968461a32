import { startOtlpCollector } from '@activation-hub/telemetry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startOpenTelemetry } from './open-telemetry.ts';

test(
  'a collector is sent what the timer measured once, so that nothing of it stays when another instance measures',
  { timeout: 300_000 },
  async () => {
    const collector = await startOtlpCollector();
    onTestFinished(() => collector.stop());
    const settings = { otlp: { endpoint: collector.endpoint }, tracesPerMinute: 0, metricsEveryMs: 100 };
    const started = startOpenTelemetry(settings, 'build', () => undefined);
    onTestFinished(() => started.close());
    const { exported } = started;
    const of = (metric: string) => collector.points.filter((point) => point.metric === metric);

    exported.count({ counter: 'exports-read', by: 1, labels: {} });
    exported.measure({ instrument: 'retries-waiting', value: 7, labels: {} });
    exported.observe('cache-bytes', () => [{ value: 5, labels: {} }]);
    // Control: a counter, and what is asked of this process, is in every export.
    await expect.poll(() => of('activation.exports_read').length).toBeGreaterThan(3);
    expect(of('activation.cache_bytes').length).toBeGreaterThan(3);
    expect(of('activation.retries_waiting')).toMatchObject([{ value: 7 }]);

    exported.measure({ instrument: 'retries-waiting', value: 3, labels: {} });
    await expect.poll(() => of('activation.retries_waiting')).toMatchObject([{ value: 7 }, { value: 3 }]);
  },
);
