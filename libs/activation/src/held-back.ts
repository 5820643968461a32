import { circuitOpenCause, pausedClass, routeHeldReason, type HeldBack } from '@activation-hub/delivery';
import type { ActivationContext } from './activation-context.ts';

/**
 * How long what waits for a paused route is left alone at the most, so that a pause that ends early
 * is found out.
 */
const pausedMaxMs = 3_600_000;

/**
 * Why and until when nothing of a route is told because an operator has paused it, or put it into
 * shadow; undefined where none has. Where the whole destination is paused, its circuit is open.
 */
export function heldByPause(
  destination: string,
  audience: string,
  { controls, clock }: Pick<ActivationContext, 'controls' | 'clock'>,
): HeldBack | undefined {
  const nowMs = clock.now();
  const pause = controls?.routePause({ destination }, audience, nowMs);
  if (pause === undefined) return undefined;
  const notBeforeMs = Math.min(pause.untilMs ?? Infinity, nowMs + pausedMaxMs);
  return { class: pausedClass, reason: routeHeldReason(pause), notBeforeMs };
}

/**
 * Why and until when new exports leave a route to the retry queue: it is paused, or the circuit of
 * its destination is open; undefined when they need not.
 */
export function leftToRetries(
  destination: string,
  audience: string,
  context: Pick<ActivationContext, 'controls' | 'clock' | 'targets'>,
): HeldBack | undefined {
  const paused = heldByPause(destination, audience, context);
  if (paused !== undefined) return paused;
  const nowMs = context.clock.now();
  const breaker = context.targets.get(destination)?.breaker;
  const notBeforeMs = breaker?.leftToRetriesUntilMs(nowMs);
  return notBeforeMs === undefined ? undefined : { ...circuitOpenCause(breaker, nowMs), notBeforeMs };
}
