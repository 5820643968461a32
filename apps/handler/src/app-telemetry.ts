import type { LedgerCache } from '@activation-hub/activation';
import type { Clock, Target } from '@activation-hub/delivery';
import {
  circuitStates,
  Counters,
  createTelemetry,
  LineBudget,
  type Level,
  type Telemetry,
} from '@activation-hub/telemetry';
import type * as OpenTelemetryApi from '@activation-hub/telemetry/open-telemetry';
import type { InvocationContext } from '@azure/functions';
import { once } from './once.ts';
import type { StartedOpenTelemetry } from './open-telemetry.ts';
import type { ExportSettings, Settings } from './settings.ts';

/**
 * How the app says what happens: in the log of each invocation, and where the settings name a
 * receiver also as metrics and spans.
 */
export interface AppTelemetry {
  readonly counters: Counters;
  /** Telemetry that writes to the log of this invocation. */
  of(context: InvocationContext): Promise<Telemetry>;
  /**
   * Does the work within the trace of the host that called, so that its log lines and our spans are
   * found together.
   */
  within<Result>(context: InvocationContext, work: () => Promise<Result>): Promise<Result>;
  /** For the requests of connectors; absent when nothing is traced. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
  /** Lets gauges ask what the parts of this process are like. */
  observe(parts: ObservedParts): void;
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

/**
 * A receiver that refuses telemetry gets one log line a minute: telemetry is not worth more lines.
 */
const complainEveryMs = 60_000;
/** So long after the SDK failed to start it is tried again, by whichever invocation comes then. */
const startAgainMs = 60_000;

/**
 * Makes the telemetry of the app. OpenTelemetry is loaded by the first invocation, and only when
 * the settings name a receiver. Deliveries go on when it does not start, and when the receiver
 * refuses what it sends: log lines say so, and it is tried again.
 */
export function createAppTelemetry(
  { exported: settings, logLevel, logLinesPerMinute }: Pick<Settings, 'exported' | 'logLevel' | 'logLinesPerMinute'>,
  build: string,
  clock: Pick<Clock, 'now'>,
): AppTelemetry {
  const counters = new Counters();
  const budget = logLinesPerMinute === undefined ? undefined : new LineBudget(logLinesPerMinute, clock.now);
  const refusals = new Map<string, number>();
  const noteRefusal = (receiver: string): void => void refusals.set(receiver, (refusals.get(receiver) ?? 0) + 1);
  let complainedAtMs = -Infinity;
  let started: Started | undefined;
  let observed: ObservedParts | undefined;
  let failedAtMs = -Infinity;
  /** Why it did not start, until that is said. */
  let failure: string | undefined;

  const start = once(async (exported: ExportSettings): Promise<Started> => {
    const [sdk, api] = await Promise.all([
      import('./open-telemetry.ts'),
      import('@activation-hub/telemetry/open-telemetry'),
    ]);
    started = { ...sdk.startOpenTelemetry(exported, build, noteRefusal), ...api };
    if (observed !== undefined) observeIn(started, observed);
    return started;
  });

  async function load(): Promise<Started | undefined> {
    if (settings === undefined || clock.now() - failedAtMs < startAgainMs) return undefined;
    try {
      return await start(settings);
    } catch (error) {
      failedAtMs = clock.now();
      failure = startFailure(error, settings);
      return undefined;
    }
  }

  function complain(telemetry: Telemetry): void {
    if (failure !== undefined) telemetry.emit('telemetry-not-started', { reason: failure });
    failure = undefined;
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
      const exported = openTelemetry?.exported;
      const telemetry = createTelemetry({ level: logLevel, counters, write, exported, budget });
      complain(telemetry);
      return telemetry;
    },
    within: async (context, work) => {
      const openTelemetry = await load();
      if (openTelemetry === undefined) return work();
      const { traceParent: traceparent, traceState: tracestate } = context.traceContext ?? {};
      return openTelemetry.withinTrace({ traceparent, tracestate }, work);
    },
    ...(settings === undefined ? {} : { traceHeaders: () => started?.traceHeaders() ?? {} }),
    observe: (parts) => {
      observed = parts;
      if (started !== undefined) observeIn(started, parts);
    },
    // A process that never took anything has nothing to send, and does not start to.
    close: async () => started?.close(),
  };
}

/** What is started: the SDK, with what is asked of OpenTelemetry's API beside it. */
type Started = StartedOpenTelemetry & Pick<typeof OpenTelemetryApi, 'traceHeaders' | 'withinTrace'>;

function observeIn({ exported }: Started, { targets, ledgerCache, clock: { now } }: ObservedParts): void {
  exported.observe('circuit-state', () =>
    [...targets].flatMap(([destination, { breaker }]) => {
      const is = breaker.state(now());
      return circuitStates.map((state) => ({ value: state === is ? 1 : 0, labels: { destination, state } }));
    }),
  );
  exported.observe('cache-bytes', () => [{ value: ledgerCache.bytes, labels: {} }]);
}

/** Why it did not start, on one line and without a value of a setting that may be a secret. */
function startFailure(error: unknown, { applicationInsights }: ExportSettings): string {
  const secrets = (applicationInsights?.connectionString ?? '').split(';').map((part) => part.replace(/^[^=]*=/, ''));
  const [words = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return secrets.filter((secret) => secret !== '').reduce((text, secret) => text.replaceAll(secret, '…'), words);
}

const logs = {
  debug: (context: InvocationContext, line: string) => context.debug(line),
  information: (context: InvocationContext, line: string) => context.info(line),
  warning: (context: InvocationContext, line: string) => context.warn(line),
  error: (context: InvocationContext, line: string) => context.error(line),
} as const;
