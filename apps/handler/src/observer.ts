import { AsyncLocalStorage } from 'node:async_hooks';
import type {
  Observation,
  ObserveChange,
  ObservedAttempt,
  ObservedCircuit,
  ObservedExchange,
  ReceivedEvent,
} from '@activation-hub/activation';
import type { Clock, Target } from '@activation-hub/delivery';
import { DestinationError, type Connector, type Delivery, type HttpClient } from '@activation-hub/destination-kit';

/**
 * Tells a process on this machine what happens one by one, for a person who looks. Nothing waits
 * for it, and nothing fails with it.
 */
export interface Observer {
  readonly observeEvents: (events: readonly ReceivedEvent[]) => void;
  readonly observeChange: ObserveChange;
  /**
   * The client, whose requests and answers the observer gets with the attempt that each belongs to.
   */
  observedHttp(http: HttpClient): HttpClient;
  /** The targets, whose attempts and circuits the observer gets. */
  observedTargets(targets: ReadonlyMap<string, Target>, clock: Clock): ReadonlyMap<string, Target>;
}

/** So many wait for the observer at the most; those beyond are left out and counted. */
const waitingMax = 20_000;
const tellEveryMs = 20;
const circuitsEveryMs = 250;
/** A local process that takes longer does not take it at all. */
const tellTimeoutMs = 5_000;

/** Observes for the process that listens at the URL, which takes one JSON object a line. */
export function createObserver(url: string): Observer {
  const tell = createTeller(url);
  const running = new AsyncLocalStorage<ObservedExchange[]>();
  return {
    observeEvents: (events) => {
      for (const { partitionId, sequenceNumber, enqueuedAtMs, body } of events)
        tell({ is: 'event', partitionId, sequenceNumber, enqueuedAtMs, body: Buffer.from(body).toString() });
    },
    observeChange: (change) => tell({ is: 'change', ...change }),
    observedHttp: (http) => observedHttp(http, running),
    observedTargets: (targets, clock) => {
      watchCircuits(targets, clock, tell);
      return new Map(
        [...targets].map(([key, target]) => [
          key,
          { ...target, connector: observedConnector(target, { running, clock, tell }) },
        ]),
      );
    },
  };
}

type Tell = (observation: Observation) => void;

function createTeller(url: string): Tell {
  let waiting: Observation[] = [];
  let leftOut = 0;
  let isTelling = false;
  const timer = setInterval(() => void tellAll(), tellEveryMs);
  timer.unref();
  return (observation) => {
    if (waiting.length < waitingMax) waiting.push(observation);
    else leftOut += 1;
  };

  async function tellAll(): Promise<void> {
    if (isTelling || waiting.length + leftOut === 0) return;
    isTelling = true;
    const told: Observation[] = leftOut === 0 ? waiting : [...waiting, { is: 'left-out', count: leftOut }];
    waiting = [];
    leftOut = 0;
    const body = told.map((each) => JSON.stringify(each)).join('\n');
    const telling = fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(tellTimeoutMs) });
    await telling.catch(() => undefined); // The observer may have ended; the work goes on without it.
    isTelling = false;
  }
}

function observedHttp(http: HttpClient, running: AsyncLocalStorage<ObservedExchange[]>): HttpClient {
  return {
    check: (url) => http.check(url),
    close: () => http.close(),
    send: async (request, signal) => {
      const exchanges = running.getStore();
      if (exchanges === undefined) return http.send(request, signal);
      const startedMs = performance.now();
      const { method, url, headers, body } = request;
      const sent = { method, url, headers, ...(body === undefined ? {} : { body }) };
      const durationMs = (): number => Math.round(performance.now() - startedMs);
      try {
        const response = await http.send(request, signal);
        exchanges.push({ request: sent, response, durationMs: durationMs() });
        return response;
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error);
        exchanges.push({ request: sent, failure, durationMs: durationMs() });
        throw error;
      }
    },
  };
}

interface Observing {
  readonly running: AsyncLocalStorage<ObservedExchange[]>;
  readonly clock: Clock;
  readonly tell: Tell;
}

type Call = Connector['enter'];

function observedConnector({ key, connector }: Target, observing: Observing): Connector {
  const around =
    (call: Call): Call =>
    (deliveries, signal) =>
      observedCall(key, () => call(deliveries, signal), deliveries, observing);
  const poll = connector.poll?.bind(connector);
  const probe = connector.probe?.bind(connector);
  const close = connector.close?.bind(connector);
  return {
    enter: around(connector.enter.bind(connector)),
    update: around(connector.update.bind(connector)),
    exit: around(connector.exit.bind(connector)),
    ...(poll && {
      poll: (receipt, deliveries, signal) => around((asked, by) => poll(receipt, asked, by))(deliveries, signal),
    }),
    ...(probe && { probe }),
    ...(close && { close }),
  };
}

async function observedCall(
  destination: string,
  call: () => ReturnType<Call>,
  deliveries: readonly Delivery[],
  { running, clock, tell }: Observing,
): ReturnType<Call> {
  const exchanges: ObservedExchange[] = [];
  const atMs = clock.now();
  const ended = (said: (id: string) => Pick<ObservedAttempt['changes'][number], 'verdict' | 'reason'>): void => {
    const changes = deliveries.map(({ change: { id, kind, audience, identity } }) => ({
      id,
      kind,
      audience: audience.key,
      identity,
      ...said(id),
    }));
    tell({ is: 'attempt', destination, atMs, durationMs: clock.now() - atMs, changes, exchanges });
  };
  try {
    const verdicts = await running.run(exchanges, call);
    const byId = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
    ended((id) => {
      const verdict = byId.get(id);
      if (verdict === undefined) return { verdict: 'no verdict' };
      return { verdict: verdict.status, ...('reason' in verdict ? { reason: verdict.reason } : {}) };
    });
    return verdicts;
  } catch (error) {
    const verdict = error instanceof DestinationError ? error.class : 'fatal';
    ended(() => ({ verdict, reason: error instanceof Error ? error.message : String(error) }));
    throw error;
  }
}

/** Tells how the circuits are whenever one of them is otherwise than before. */
function watchCircuits(targets: ReadonlyMap<string, Target>, clock: Clock, tell: Tell): void {
  let said = '';
  const timer = setInterval(() => {
    const circuits = [...targets].map(([destination, { breaker }]): ObservedCircuit => {
      const nowMs = clock.now();
      const state = breaker.state(nowMs);
      if (state === 'paused' || state === 'closed') return { destination, state };
      const untilMs = breaker.openUntilMs(nowMs);
      const reason = breaker.lastReason === undefined ? {} : { reason: breaker.lastReason };
      return { destination, state, ...(untilMs === undefined ? {} : { untilMs }), ...reason };
    });
    const text = JSON.stringify(circuits);
    if (text !== said) tell({ is: 'circuits', circuits });
    said = text;
  }, circuitsEveryMs);
  timer.unref();
}
