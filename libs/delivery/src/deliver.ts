import {
  DestinationError,
  type Connector,
  type Delivery,
  type DestinationLimits,
  type Verdict,
} from '@activation-hub/destination-kit';
import type { Telemetry } from '@activation-hub/telemetry';
import { splitIntoBatches } from './batch.ts';

/** A destination that is set up and may be told. */
export interface Target {
  /** Its key in the activation file. */
  readonly key: string;
  readonly connector: Connector;
  readonly limits: DestinationLimits;
  /** What may share a request. */
  readonly batchBy: 'destination' | 'route';
}

/** What became of one delivery. */
export type DeliveryResult =
  | { readonly status: 'delivered' }
  | { readonly status: 'rejected'; readonly class: string; readonly reason: string }
  | {
      readonly status: 'retry';
      readonly class: string;
      readonly reason: string;
      /** Not before this time, in epoch milliseconds. */
      readonly notBeforeMs?: number;
      /** Whether the destination may have taken the change all the same, and whether it may still be at it. */
      readonly doubt?: 'answered' | 'unanswered';
    };

export interface DeliverOptions {
  readonly telemetry: Telemetry;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The deadline: what is not answered by then is to be tried again. */
  readonly signal: AbortSignal;
}

/**
 * Tells one destination all of the given deliveries, in batches within its limits, each batch of one direction, and
 * gives a result for every change id. A batch that is refused without saying which row is at fault is halved until
 * the row is found. Never throws: what goes wrong is a result.
 */
export async function deliver(
  target: Target,
  deliveries: readonly Delivery[],
  options: DeliverOptions,
): Promise<ReadonlyMap<string, DeliveryResult>> {
  const results = new Map<string, DeliveryResult>();
  const batches = splitIntoBatches(deliveries, target);
  // One iterator for all workers, so that each batch is taken once, in order.
  const queue = batches.values();
  const worker = async (): Promise<void> => {
    for (const batch of queue) await deliverBatch(target, batch, options, results);
  };
  await Promise.all(Array.from({ length: Math.min(target.limits.concurrency, batches.length) }, worker));
  return results;
}

/** The deadline came first. */
const notTold: DeliveryResult = {
  status: 'retry',
  class: 'transient',
  reason: 'the deadline passed before it was told',
};

/** A change without a verdict is the connector's defect, not a success: it may have arrived, so it is told again. */
const withoutVerdict: DeliveryResult = { status: 'retry', class: 'fatal', reason: 'no verdict', doubt: 'answered' };

async function deliverBatch(
  target: Target,
  batch: readonly Delivery[],
  options: DeliverOptions,
  results: Map<string, DeliveryResult>,
): Promise<void> {
  if (options.signal.aborted) {
    for (const { change } of batch) results.set(change.id, notTold);
    return;
  }
  const error = await attempt(target, batch, options, results);
  if (error === undefined) return;
  if (error.class === 'invalid' && batch.length > 1) {
    const middle = Math.ceil(batch.length / 2);
    await deliverBatch(target, batch.slice(0, middle), options, results);
    await deliverBatch(target, batch.slice(middle), options, results);
    return;
  }
  for (const { change } of batch) results.set(change.id, resultOf(error));
}

/** One request. Sets the results that the destination's answer gives, or returns why there is none. */
async function attempt(
  target: Target,
  batch: readonly Delivery[],
  { telemetry, now, signal }: DeliverOptions,
  results: Map<string, DeliveryResult>,
): Promise<DestinationError | undefined> {
  const startedMs = now();
  const kind = batch[0]?.change.kind ?? 'entered';
  try {
    const verdicts = await unlessAborted(methodFor(target.connector, kind)(batch, signal), signal);
    const answers = new Map<string, DeliveryResult>();
    for (const { change } of batch) answers.set(change.id, withoutVerdict);
    for (const verdict of verdicts) if (answers.has(verdict.id)) answers.set(verdict.id, resultFor(verdict));

    const answered = { delivered: 0, retry: 0, rejected: 0 };
    for (const { status } of answers.values()) answered[status] += 1;
    for (const [id, result] of answers) results.set(id, result);
    telemetry.emit('request-answered', { destination: target.key, kind, ...answered, durationMs: now() - startedMs });
    return undefined;
  } catch (thrown) {
    const error = asDestinationError(thrown);
    telemetry.emit('request-failed', {
      destination: target.key,
      kind,
      changes: batch.length,
      class: error.class,
      reason: error.message,
      durationMs: now() - startedMs,
    });
    return error;
  }
}

/** What the connector answers, unless the deadline comes: one that does not listen to the signal is not waited for. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const message = 'The destination had not answered by the deadline.';
  const giveUp = (): void => reject(new DestinationError('transient', message, { doubt: 'unanswered' }));
  // One that does listen knows better whether its request was sent, so its own error may come first.
  const onAbort = (): void => void setImmediate(giveUp);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function methodFor(connector: Connector, kind: Delivery['change']['kind']): Connector['enter'] {
  switch (kind) {
    case 'entered':
      return connector.enter.bind(connector);
    case 'updated':
      return connector.update.bind(connector);
    case 'exited':
      return connector.exit.bind(connector);
  }
}

/** Whatever a connector throws besides `DestinationError` is a defect, after which nothing is certain. */
function asDestinationError(thrown: unknown): DestinationError {
  if (thrown instanceof DestinationError) return thrown;
  // Its own words may hold anything, so they stay in the cause.
  return new DestinationError('fatal', 'The connector failed in a way that it does not explain.', {
    doubt: 'unanswered',
    cause: thrown,
  });
}

function resultOf(error: DestinationError): DeliveryResult {
  if (error.class === 'invalid') return { status: 'rejected', class: error.class, reason: error.message };
  return {
    status: 'retry',
    class: error.class,
    reason: error.message,
    ...(error.notBeforeMs === undefined ? {} : { notBeforeMs: error.notBeforeMs }),
    ...(error.doubt === undefined ? {} : { doubt: error.doubt }),
  };
}

function resultFor(verdict: Verdict): DeliveryResult {
  switch (verdict.status) {
    case 'delivered':
      return { status: 'delivered' };
    case 'rejected':
      return { status: 'rejected', class: 'invalid', reason: verdict.reason };
    case 'retry':
      return {
        status: 'retry',
        class: 'transient',
        reason: verdict.reason,
        ...(verdict.notBeforeMs === undefined ? {} : { notBeforeMs: verdict.notBeforeMs }),
        ...(verdict.doubt === undefined ? {} : { doubt: verdict.doubt }),
      };
  }
}
