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
  const worker = async (): Promise<void> => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      await deliverBatch(target, batch, options, results);
    }
  };
  await Promise.all(Array.from({ length: Math.min(target.limits.concurrency, batches.length) }, worker));
  return results;
}

async function deliverBatch(
  target: Target,
  batch: readonly Delivery[],
  options: DeliverOptions,
  results: Map<string, DeliveryResult>,
): Promise<void> {
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
    const verdicts = await methodFor(target.connector, kind)(batch, signal);
    const answered = { delivered: 0, retry: 0, rejected: 0 };
    // A change without a verdict is the connector's defect, not a success: it may have arrived, so it is told again.
    for (const { change } of batch) {
      results.set(change.id, { status: 'retry', class: 'fatal', reason: 'no verdict', doubt: 'answered' });
    }
    for (const verdict of verdicts) {
      if (!results.has(verdict.id)) continue;
      answered[verdict.status] += 1;
      results.set(verdict.id, resultFor(verdict));
    }
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
