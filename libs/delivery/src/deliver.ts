import { DestinationError, type Delivery } from '@activation-hub/destination-kit';
import { attempt, resultOf } from './attempt.ts';
import { splitIntoBatches } from './batch.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';
import type { Clock } from './clock.ts';
import { RateLimiter } from './rate-limiter.ts';
import { retryAttempts } from './retry-attempts.ts';
import { SharedRequests, type Answer, type Sent } from './shared-requests.ts';
import type { DeliveryResult, Results } from './delivery-result.ts';
import type { DeliverOptions, Target } from './target.ts';

/**
 * Three failures in a row, each after its timeout, are an outage; a probe every five minutes at the
 * least finds its end.
 */
const breakerOptions: BreakerOptions = { failuresToOpen: 3, openMs: 5_000, openMaxMs: 300_000, graceMs: 30_000 };
/**
 * A probe is one change, and is not waited for as long as an ordinary request: everything else of
 * the batch waits for it.
 */
const probeTimeoutMs = 5_000;

/**
 * Longer than any documented `Retry-After`; where a vendor says more, one request an hour does no
 * harm.
 */
export const usualRetryAfterMaxMs = 3_600_000;

/** Why a change waits that was not even tried, because its destination fails. */
const circuitOpen = 'its circuit breaker is open after failures';

/**
 * The class of what waits because an operator has paused its destination or its route. Nothing is
 * given up while it waits so.
 */
export const pausedClass = 'paused';
const destinationPaused = 'an operator has paused the destination';
const destinationInShadow = 'an operator has put the destination into shadow';
const routePaused = 'an operator has paused the route';
const routeInShadow = 'an operator has put the route into shadow';

/** The reason of what waits because an operator has paused its route, or put it into shadow. */
export const routeHeldReason = ({ isShadow }: { readonly isShadow?: true }): string =>
  isShadow === true ? routeInShadow : routePaused;

/** Whether something waits because its destination or its route is in shadow. */
export const isShadowReason = (reason: string): boolean => reason === destinationInShadow || reason === routeInShadow;

/**
 * Class and reason of what is not told because a circuit is open: paused, or after the failure
 * because of which it is, which a person can mend.
 */
export function circuitOpenCause(
  breaker: Pick<Breaker, 'lastReason' | 'isHeld' | 'isInShadow'> | undefined,
  nowMs: number,
): { readonly class: string; readonly reason: string } {
  if (breaker?.isInShadow(nowMs) === true) return { class: pausedClass, reason: destinationInShadow };
  if (breaker?.isHeld(nowMs) === true) return { class: pausedClass, reason: destinationPaused };
  const { lastReason } = breaker ?? {};
  const reason = lastReason === undefined ? circuitOpen : `${circuitOpen}, the last of them: ${lastReason}`;
  return { class: 'transient', reason };
}

/** Why a change waits that the limits of its destination leave no place for now. */
const tooLate = 'its turn comes too late to wait for';

/** Whether something waits for no other reason than the pace of its destination. */
export const isPacedReason = (reason: string): boolean => reason === tooLate;

/** Whether something waits for no other reason than that a circuit is open. */
export const isCircuitOpenReason = (reason: string): boolean =>
  reason.startsWith(circuitOpen) || reason === destinationPaused || reason === destinationInShadow;

type Defaulted = 'formIdentity' | 'membershipDays' | 'retryAfterMaxMs';

/**
 * Makes a target: with a rate limiter for its limits, and with a breaker that is closed. By default
 * identities are told as they are, memberships do not lapse, and a time is bounded by an hour.
 */
export function createTarget(
  of: Omit<Target, 'rateLimiter' | 'breaker' | 'requests' | Defaulted> & Partial<Pick<Target, Defaulted>>,
  clock: Clock,
): Target {
  const rateLimiter = new RateLimiter(of.limits, clock);
  return {
    formIdentity: ({ value }) => value,
    membershipDays: () => undefined,
    retryAfterMaxMs: usualRetryAfterMaxMs,
    ...of,
    rateLimiter,
    breaker: new Breaker(breakerOptions),
    requests: new SharedRequests(of, rateLimiter, clock),
  };
}

/**
 * Tells one destination all of the given deliveries, in batches within its limits, each batch of
 * one direction, and gives a result for every change id. Never throws: a failure is a result. For
 * changes that the destination accepted before, it sends one request per receipt, which polls for
 * their verdicts.
 *
 * Every request goes through the same four, retry outermost, so that each attempt is admitted and
 * paced anew: batch (count, bytes, direction) · retry (what asks for it, while the caller waits) ·
 * breaker · rate limiter.
 */
export async function deliver(
  target: Target,
  deliveries: readonly Delivery[],
  options: DeliverOptions,
): Promise<ReadonlyMap<string, DeliveryResult>> {
  const { waitMaxMs, paceMaxMs = waitMaxMs } = options;
  const notAfterMs = options.clock.now() + waitMaxMs;
  const sending = { ...options, notAfterMs, pacedNotAfterMs: options.clock.now() + paceMaxMs };
  const receipts = new Map(target.connector.poll === undefined ? [] : options.receipts);
  const receiptOf = ({ change }: Delivery): string | undefined => receipts.get(change.id);
  const { told = [], asked = [] } = Object.groupBy(deliveries, (delivery) =>
    receiptOf(delivery) === undefined ? 'told' : 'asked',
  );
  const results = new Map(resultsOfHeldBack(told, options));
  const sent = told.filter(({ change }) => !results.has(change.id));
  const batches = [...Map.groupBy(asked, receiptOf).values(), ...splitIntoBatches(sent, target)];
  const send = async (part: readonly Delivery[]): Promise<Results> => {
    if (receipts.size === 0) return await sendWhenAdmitted(target, part, sending);
    const latest = new Map<string, DeliveryResult>();
    for (const [receipt, group] of Map.groupBy(part, receiptOf)) {
      for (const [id, result] of await sendWhenAdmitted(target, group, sending, { receipt })) {
        latest.set(id, result);
        // A change that lost its receipt is sent anew, by the next attempt too.
        if (!('receipt' in result)) receipts.delete(id);
      }
    }
    return latest;
  };
  // One iterator for all workers, so that each batch is taken once, in order.
  const queue = batches.values();
  const worker = async (): Promise<void> => {
    for (const batch of queue) {
      const { clock, signal } = options;
      const ofBatch = await retryAttempts(batch, send, { clock, notAfterMs, signal });
      ofBatch.forEach((result, id) => results.set(id, result));
    }
  };
  await Promise.all(Array.from({ length: Math.min(target.limits.concurrency, batches.length) }, worker));
  return results;
}

interface Sending extends DeliverOptions {
  /** What would be sent later than this is for the retry queue; epoch milliseconds. */
  readonly notAfterMs: number;
  /** The same for what merely waits for its place in the timetable. */
  readonly pacedNotAfterMs: number;
}

/**
 * One attempt at a batch, if breaker and rate limiter let it through; other calls' batches may be
 * in the same request. A batch that is refused without saying which row is at fault is sent again
 * without those, and then halved until the row is found; each of these is a request like any other.
 * With a receipt the request polls for the verdicts of the batch; only when it is refused are its
 * halves sent anew.
 */
async function sendWhenAdmitted(
  target: Target,
  batch: readonly Delivery[],
  options: Sending,
  how: { readonly receipt?: string | undefined; readonly isAlone?: boolean } = {},
): Promise<Results> {
  const { breaker, rateLimiter } = target;
  const { receipt } = how;
  const heldBack = receipt === undefined ? resultsOfHeldBack(batch, options) : new Map<string, DeliveryResult>();
  if (heldBack.size > 0) {
    const others = batch.filter(({ change }) => !heldBack.has(change.id));
    const sent = others.length === 0 ? [] : await sendWhenAdmitted(target, others, options, how);
    return new Map([...heldBack, ...sent]);
  }
  const admission = breaker.admit(options.clock.now());
  if (admission.is === 'open') {
    const cause = circuitOpenCause(breaker, options.clock.now());
    return untried(batch, cause, admission.untilMs, receipt);
  }

  const isProbe = admission.is === 'probe';
  const asked = isProbe && receipt === undefined ? batch.slice(0, 1) : batch;
  const signal = isProbe ? AbortSignal.any([options.signal, AbortSignal.timeout(probeTimeoutMs)]) : options.signal;
  const isAlone = isProbe || how.isAlone === true || receipt !== undefined;
  const isHeldBack = (): boolean => receipt === undefined && resultsOfHeldBack(asked, options).size > 0;
  const found = { isCircuitOpen: false, isHeldBack: false };
  const heldUntilMs = (): number | undefined => {
    const nowMs = options.clock.now();
    found.isCircuitOpen = isProbe ? breaker.isHeld(nowMs) : !breaker.isClosed(nowMs);
    found.isHeldBack = isHeldBack();
    if (found.isCircuitOpen) return breaker.openUntilMs(nowMs) ?? nowMs;
    return found.isHeldBack ? nowMs : undefined;
  };
  const sent = await sendInTurn(target, asked, { ...options, signal, heldUntilMs, isHeldBack }, { receipt, isAlone });
  if (!sent.ran) {
    if (isProbe) breaker.release();
    if (options.signal.aborted)
      return untried(
        batch,
        { class: 'transient', reason: 'the deadline passed before it was told' },
        undefined,
        receipt,
      );
    if (found.isHeldBack) return sendWhenAdmitted(target, batch, options, how);
    return found.isCircuitOpen
      ? untried(batch, circuitOpenCause(breaker, options.clock.now()), sent.earliestMs, receipt)
      : untried(batch, { class: 'transient', reason: tooLate }, rateLimiter.laterMs(), receipt);
  }

  const { answer, isShared } = sent;
  if (asked.length < batch.length) {
    const rest = await sendWhenAdmitted(target, batch.slice(1), options);
    return new Map([...resultsOf(asked, answer), ...rest]);
  }
  if (!isRefusal(answer) || (batch.length === 1 && !isShared)) return resultsOf(asked, answer, receipt);
  const results = new Map<string, DeliveryResult>();
  // The row at fault may be another call's.
  for (const part of isShared ? [batch] : halvesOf(batch, options.clock)) {
    for (const [id, result] of await sendWhenAdmitted(target, part, options, { isAlone: true }))
      results.set(id, stillInDoubt(result, answer));
  }
  return results;
}

/**
 * In either order, by chance: where the rate limiter leaves time for a few requests only, the same
 * ones would find nothing again and again.
 */
function halvesOf(batch: readonly Delivery[], clock: Clock): readonly (readonly Delivery[])[] {
  const middle = Math.ceil(batch.length / 2);
  const halves = [batch.slice(0, middle), batch.slice(middle)];
  return clock.random() > 0.5 ? halves.reverse() : halves;
}

/** A change that is not taken now may be of the part of a refused request that was taken. */
function stillInDoubt(result: DeliveryResult, refusal: Answer): DeliveryResult {
  if (result.status !== 'retry' || !(refusal instanceof DestinationError)) return result;
  const doubt = result.doubt ?? refusal.doubt;
  return doubt === undefined ? result : { ...result, doubt };
}

/**
 * Sends a batch when its place comes, alone or with what else waits for the destination, unless its
 * circuit was opened, or some of it held back, meanwhile.
 */
async function sendInTurn(
  target: Target,
  batch: readonly Delivery[],
  options: Sending & { readonly heldUntilMs: () => number | undefined; readonly isHeldBack: () => boolean },
  { receipt, isAlone }: { readonly receipt: string | undefined; readonly isAlone: boolean },
): Promise<Sent> {
  const { rateLimiter, requests, breaker } = target;
  const request = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Answer> => {
    const answer = await attempt(target, deliveries, { ...options, signal }, receipt);
    // Before the place of this request is free for the next.
    if (answer instanceof DestinationError && answer.notBeforeMs !== undefined)
      rateLimiter.holdUntil(answer.notBeforeMs);
    report(answer, breaker, options.clock.now());
    return answer;
  };
  const { signal, receipts, notAfterMs, pacedNotAfterMs, heldUntilMs, isHeldBack, graceMs = 0 } = options;
  const limits = { notAfterMs, pacedNotAfterMs, heldUntilMs };
  if (!isAlone) {
    const waiting = { deliveries: batch, isPolledLater: receipts !== undefined, isHeldBack, signal, graceMs };
    return await requests.send(waiting, limits, request);
  }
  const paced = await rateLimiter.run(() => request(batch, signal), { ...limits, signal });
  return paced.ran ? { ran: true, answer: paced.result, isShared: false } : paced;
}

function report(answer: Answer, breaker: Breaker, nowMs: number): void {
  if (answer instanceof DestinationError && !isRefusal(answer)) breaker.fail(nowMs, answer.message);
  else breaker.succeed();
}

function isRefusal(answer: Answer): boolean {
  return answer instanceof DestinationError && answer.class === 'invalid';
}

/** The results of this batch alone: the answer may be to the changes of other calls too. */
function resultsOf(batch: readonly Delivery[], answer: Answer, receipt?: string): Results {
  if (answer instanceof DestinationError) {
    const result = waitingFor(receipt, resultOf(answer));
    return new Map(batch.map(({ change }) => [change.id, result]));
  }
  if (answer.size === batch.length) return answer;
  const own = new Set(batch.map(({ change }) => change.id));
  return new Map([...answer].filter(([id]) => own.has(id)));
}

/** The results of those deliveries that are held back now. */
function resultsOfHeldBack(
  deliveries: readonly Delivery[],
  { heldBack }: Pick<DeliverOptions, 'heldBack'>,
): ReadonlyMap<string, DeliveryResult> {
  const results = new Map<string, DeliveryResult>();
  for (const delivery of deliveries) {
    const why = heldBack?.(delivery);
    if (why !== undefined) results.set(delivery.change.id, { status: 'retry', ...why, wasTried: false });
  }
  return results;
}

function untried(
  batch: readonly Delivery[],
  cause: { readonly class: string; readonly reason: string },
  notBeforeMs: number | undefined,
  receipt: string | undefined,
): Results {
  const result = waitingFor(receipt, {
    status: 'retry',
    ...cause,
    wasTried: false,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  });
  return new Map(batch.map(({ change }) => [change.id, result]));
}

/**
 * Nothing is under way when the destination could not be asked, and it still has what it accepted.
 */
function waitingFor(receipt: string | undefined, result: DeliveryResult): DeliveryResult {
  return receipt === undefined || result.status !== 'retry' ? result : { ...result, receipt, doubt: 'answered' };
}
