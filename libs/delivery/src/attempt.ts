import {
  DestinationError,
  type ChangeKind,
  type Connector,
  type Delivery,
  type Verdict,
} from '@activation-hub/destination-kit';
import type { DeliveryResult, Results } from './delivery-result.ts';
import type { DeliverOptions, Target } from './target.ts';
import { unlessAborted } from './unless-aborted.ts';

/**
 * A change without a verdict is the connector's defect, not a success: it may have arrived, so it
 * is told again.
 */
const withoutVerdict: DeliveryResult = {
  status: 'retry',
  class: 'fatal',
  reason: 'no verdict',
  wasTried: true,
  doubt: 'answered',
};

/**
 * What the destination answered, by change, or why there is no answer. With a receipt it is asked,
 * and told nothing. Here every time that a connector names comes within bounds; nothing behind this
 * point can hold a destination longer.
 */
export async function attempt(
  target: Pick<Target, 'key' | 'connector' | 'retryAfterMaxMs'>,
  batch: readonly Delivery[],
  options: Omit<DeliverOptions, 'waitMaxMs'>,
  receipt?: string,
): Promise<Results | DestinationError> {
  const kind = batch[0]?.change.kind ?? 'entered';
  const attributes = {
    'activation.destination': target.key,
    'activation.change.kind': kind,
    'activation.changes': batch.length,
  };
  return options.telemetry.span('send changes', { attributes }, async (span) => {
    const outcome = await answerOf(target, kind, batch, options, receipt);
    if (outcome instanceof DestinationError) {
      span.fail(outcome.class);
      return outcome;
    }
    span.set(attributesOf(outcome.counted));
    return outcome.answers;
  });
}

async function answerOf(
  target: Pick<Target, 'key' | 'connector' | 'retryAfterMaxMs'>,
  kind: ChangeKind,
  batch: readonly Delivery[],
  { telemetry, clock, signal, receipts }: Omit<DeliverOptions, 'waitMaxMs'>,
  receipt?: string,
): Promise<{ readonly answers: Results; readonly counted: Readonly<CountByStatus> } | DestinationError> {
  const startedMs = clock.now();
  const bounded: Bound = (timeMs) => boundedTime(timeMs, clock.now(), target.retryAfterMaxMs);
  try {
    const verdicts = await unlessAborted(callOf(target.connector, kind, receipt)(batch, signal), signal);
    const answers = new Map<string, DeliveryResult>();
    for (const { change } of batch) answers.set(change.id, withoutVerdict);
    for (const verdict of verdicts) {
      if (answers.has(verdict.id)) answers.set(verdict.id, resultFor(verdict, receipts !== undefined, bounded));
    }

    const durationMs = clock.now() - startedMs;
    const counted = countByStatus(answers);
    telemetry.emit('request-answered', { destination: target.key, kind, ...counted, durationMs });
    return { answers, counted };
  } catch (thrown) {
    const error = asDestinationError(thrown, bounded);
    telemetry.emit('request-failed', {
      destination: target.key,
      kind,
      changes: batch.length,
      class: error.class,
      reason: error.message,
      durationMs: clock.now() - startedMs,
    });
    return error;
  }
}

interface CountByStatus {
  delivered: number;
  retry: number;
  rejected: number;
  notFound: number;
}

function countByStatus(answers: Results): Readonly<CountByStatus> {
  const counted: CountByStatus = { delivered: 0, retry: 0, rejected: 0, notFound: 0 };
  for (const { status } of answers.values()) counted[status === 'not-found' ? 'notFound' : status] += 1;
  return counted;
}

function attributesOf({ delivered, retry, rejected, notFound }: CountByStatus) {
  return {
    'activation.changes.delivered': delivered,
    'activation.changes.retry': retry,
    'activation.changes.rejected': rejected,
    'activation.changes.not_found': notFound,
  };
}

function callOf(connector: Connector, kind: Delivery['change']['kind'], receipt?: string): Connector['enter'] {
  if (receipt === undefined || connector.poll === undefined) return methodFor(connector, kind);
  return connector.poll.bind(connector, receipt);
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

type Bound = (timeMs: number | undefined) => { readonly notBeforeMs?: number };

/**
 * The time that a connector names: not before now, and not later than the bound. What vendors send
 * there may be anything, and a destination that is held for ever would never be told again. Absent
 * when it is no time at all.
 */
function boundedTime(timeMs: number | undefined, nowMs: number, retryAfterMaxMs: number): ReturnType<Bound> {
  if (typeof timeMs !== 'number' || Number.isNaN(timeMs)) return {};
  return { notBeforeMs: Math.min(Math.max(timeMs, nowMs), nowMs + retryAfterMaxMs) };
}

/**
 * Whatever a connector throws besides `DestinationError` is a defect, after which nothing is
 * certain.
 */
function asDestinationError(thrown: unknown, bounded: Bound): DestinationError {
  if (thrown instanceof DestinationError) {
    const { class: errorClass, message, doubt, notBeforeMs } = thrown;
    return new DestinationError(errorClass, message, { doubt, ...bounded(notBeforeMs) });
  }
  // Its own words may hold anything, so they stay in the cause.
  return new DestinationError('fatal', 'The connector failed in a way that it does not explain.', {
    doubt: 'unanswered',
    cause: thrown,
  });
}

/** What the failure of a request means for every change in it. */
export function resultOf(error: DestinationError): DeliveryResult {
  const { class: errorClass, message: reason, notBeforeMs } = error;
  const doubt = error.doubt === undefined ? {} : { doubt: error.doubt };
  if (errorClass === 'invalid') return { status: 'rejected', class: errorClass, reason, ...doubt };
  return {
    status: 'retry',
    class: errorClass,
    reason,
    wasTried: true,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...doubt,
  };
}

function resultFor(verdict: Verdict, isAskedLater: boolean, bounded: Bound): DeliveryResult {
  switch (verdict.status) {
    case 'delivered':
      return { status: 'delivered' };
    case 'not-found':
      return { status: 'not-found', reason: verdict.reason };
    case 'accepted':
      if (!isAskedLater) return { status: 'delivered' };
      return {
        status: 'retry',
        class: 'accepted',
        reason: 'the destination has it, and reports the result later',
        wasTried: true,
        ...bounded(verdict.askAtMs),
        doubt: 'answered',
        receipt: verdict.receipt,
      };
    case 'rejected':
      return { status: 'rejected', class: 'invalid', reason: verdict.reason };
    case 'retry':
      return {
        status: 'retry',
        class: 'transient',
        reason: verdict.reason,
        wasTried: true,
        ...bounded(verdict.notBeforeMs),
        ...(verdict.doubt === undefined ? {} : { doubt: verdict.doubt }),
      };
  }
}
