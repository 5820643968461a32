import type { LedgerCache } from '@activation-hub/activation';
import type { Clock, Target } from '@activation-hub/delivery';
import { circuitStates, Counters, createTelemetry, type Level, type Telemetry } from '@activation-hub/telemetry';
import type { InvocationContext } from '@azure/functions';
import { once } from './once.ts';
import type { Settings } from './settings.ts';

/** How the app says what happens: in the log of each invocation, and where the settings name a receiver also as metrics and spans. */
export interface AppTelemetry {
  readonly counters: Counters;
  /** Telemetry that writes to the log of this invocation. */
  of(context: InvocationContext): Promise<Telemetry>;
  /** Does the work within the trace of the host that called, so that its log lines and our spans are found together. */
  within<Result>(context: InvocationContext, work: () => Promise<Result>): Promise<Result>;
  /** For the requests of connectors; absent when nothing is traced. */
  traceHeaders(): Promise<(() => Readonly<Record<string, string>>) | undefined>;
  /** Lets gauges ask what the parts of this process are like. */
  observe(parts: ObservedParts): Promise<void>;
  /** Whether metrics go anywhere. */
  readonly isExported: boolean;
  /** Sends what waits. */
  close(): Promise<void>;
}

interface ObservedParts {
  readonly targets: ReadonlyMap<string, Pick<Target, 'breaker'>>;
  readonly ledgerCache: Pick<LedgerCache, 'bytes'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Whoever takes no telemetry is complained about once a minute: what is exported is not worth more lines than that. */
const complainEveryMs = 60_000;

/**
 * Makes the telemetry of the app. OpenTelemetry is loaded by the first invocation, and only when the settings name a receiver. That it
 * cannot be loaded, and that nobody takes what it sends, holds nothing up: lines say so.
 */
export function createAppTelemetry(
  { exported: settings, logLevel }: Pick<Settings, 'exported' | 'logLevel'>,
  build: string,
  clock: Pick<Clock, 'now'>,
): AppTelemetry {
  const counters = new Counters();
  const refusals = new Map<string, number>();
  const noteRefusal = (receiver: string): void => void refusals.set(receiver, (refusals.get(receiver) ?? 0) + 1);
  let complainedAtMs = -Infinity;
  let isLoaded = false;

  const load = once(async () => {
    if (settings === undefined) return undefined;
    isLoaded = true;
    try {
      const [sdk, api] = await Promise.all([
        import('./open-telemetry.ts'),
        import('@activation-hub/telemetry/open-telemetry'),
      ]);
      return { ...sdk.startOpenTelemetry(settings, build, noteRefusal), ...api };
    } catch {
      noteRefusal('The SDK of OpenTelemetry');
      return undefined;
    }
  });

  function complain(telemetry: Telemetry): void {
    const nowMs = clock.now();
    if (refusals.size === 0 || nowMs - complainedAtMs < complainEveryMs) return;
    complainedAtMs = nowMs;
    for (const [receiver, times] of refusals) telemetry.emit('telemetry-refused', { receiver, times });
    refusals.clear();
  }

  return {
    counters,
    isExported: settings !== undefined,
    of: async (context) => {
      const openTelemetry = await load();
      const write = (level: Level, line: string): void => logs[level](context, line);
      const telemetry = createTelemetry({ level: logLevel, counters, write, exported: openTelemetry?.exported });
      complain(telemetry);
      return telemetry;
    },
    within: async (context, work) => {
      const openTelemetry = await load();
      if (openTelemetry === undefined) return work();
      const { traceParent: traceparent, traceState: tracestate } = context.traceContext ?? {};
      return openTelemetry.withinTrace({ traceparent, tracestate }, work);
    },
    traceHeaders: async () => (await load())?.traceHeaders,
    observe: async ({ targets, ledgerCache, clock: { now } }) => {
      const exported = (await load())?.exported;
      exported?.observe('circuit-state', () =>
        [...targets].flatMap(([destination, { breaker }]) => {
          const is = breaker.state(now());
          return circuitStates.map((state) => ({ value: state === is ? 1 : 0, labels: { destination, state } }));
        }),
      );
      exported?.observe('cache-bytes', () => [{ value: ledgerCache.bytes, labels: {} }]);
    },
    // A process that never took anything has nothing to send, and does not start to.
    close: async () => (isLoaded ? (await load())?.close() : undefined),
  };
}

const logs = {
  debug: (context: InvocationContext, line: string) => context.debug(line),
  information: (context: InvocationContext, line: string) => context.info(line),
  warning: (context: InvocationContext, line: string) => context.warn(line),
  error: (context: InvocationContext, line: string) => context.error(line),
} as const;
