import { LedgerCache } from '@activation-hub/activation';
import { startOtlpCollector } from '@activation-hub/telemetry/testing';
import type { InvocationContext } from '@azure/functions';
import { expect, onTestFinished, test } from 'vitest';
import { createAppTelemetry } from './app-telemetry.ts';

const key = '11111111-2222-3333-4444-555555555555';

/** An app whose settings of telemetry a person corrects while it runs. */
function startApp(first: { readonly endpoint: string; readonly connectionString?: string }) {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const settings: { endpoint: string | (() => string) } = first;
  const exported = {
    get otlp() {
      const { endpoint } = settings;
      return { endpoint: typeof endpoint === 'string' ? endpoint : endpoint() };
    },
    ...(first.connectionString === undefined
      ? {}
      : { applicationInsights: { connectionString: first.connectionString } }),
    tracesPerMinute: 10,
    metricsEveryMs: 100,
  };
  const telemetry = createAppTelemetry(
    { exported, logLevel: 'information', logLinesPerMinute: undefined },
    'build',
    clock,
  );
  onTestFinished(() => telemetry.close());
  const lines: string[] = [];
  const context = { warn: (line: string) => void lines.push(line) } as unknown as InvocationContext;
  return { telemetry, clock, settings, lines, invoke: () => telemetry.of(context) };
}

test('why OpenTelemetry does not start is said once for each time that it is tried', async () => {
  const app = startApp({ endpoint: 'nowhere' });
  for (let invocation = 0; invocation < 3; invocation += 1) await app.invoke();
  expect(app.lines.map((line) => JSON.parse(line) as object)).toEqual([
    {
      signal: 'telemetry-not-started',
      message: expect.stringContaining('Failed to start OpenTelemetry: Invalid URL.') as string,
      reason: 'Invalid URL',
    },
  ]);
  app.clock.nowMs += 60_000;
  await app.invoke();
  expect(app.lines).toHaveLength(2);
});

test('it is tried again after a minute, and then everything is exported as if it had started at once', async () => {
  const collector = await startOtlpCollector();
  onTestFinished(() => collector.stop());
  const app = startApp({ endpoint: 'nowhere' });
  await app.invoke();
  const ledgerCache = new LedgerCache({ bytesMax: 1, ageMaxMs: 0 });
  app.telemetry.observe({ targets: new Map(), ledgerCache, clock: app.clock });
  expect(app.telemetry.traceHeaders?.()).toEqual({});

  app.settings.endpoint = collector.endpoint;
  app.clock.nowMs += 59_999;
  await app.invoke();
  app.clock.nowMs += 1;
  const telemetry = await app.invoke();
  const sending = { attributes: { 'activation.destination': 'crm' } };
  const headers = telemetry.span('send changes', sending, () => Promise.resolve(app.telemetry.traceHeaders?.()));
  expect(await headers).toMatchObject({ traceparent: expect.stringMatching(/^00-/) as string });
  await expect.poll(() => collector.points.map(({ metric }) => metric)).toContain('activation.cache_bytes');
});

test('the line about it names no key', async () => {
  const app = startApp({ endpoint: '', connectionString: `InstrumentationKey=${key};IngestionEndpoint=https://x/` });
  app.settings.endpoint = () => {
    throw new Error(`Failed to read ${key}\nat a place`);
  };
  await app.invoke();
  expect(app.lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ reason: 'Failed to read …' }]);
});
