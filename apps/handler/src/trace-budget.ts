import { SpanKind, trace, TraceFlags, type Attributes, type Context, type Link } from '@opentelemetry/api';
import { SamplingDecision, type Sampler, type SamplingResult } from '@opentelemetry/sdk-trace-base';

/**
 * Exports so many traces of batches and retries a minute, at most as many of them at once, whatever
 * the host that called says about its own. A trace is exported whole, and so is every retry of it:
 * who follows a change finds all of its attempts.
 */
export class TraceBudget implements Sampler {
  readonly #perMinute: number;
  readonly #now: () => number;
  #left: number;
  #filledAtMs: number;

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
    this.#left = perMinute;
    this.#filledAtMs = now();
  }

  shouldSample(
    context: Context,
    _traceId: string,
    _name: string,
    kind: SpanKind,
    _attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const parent = trace.getSpanContext(context);
    const isOwn = parent !== undefined && parent.isRemote !== true;
    const isExported = isOwn ? isSampled(parent) : isOfTrace(links) || (kind === SpanKind.CONSUMER && this.#take());
    return { decision: isExported ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
  }

  #take(): boolean {
    const nowMs = this.#now();
    const filled = this.#left + ((nowMs - this.#filledAtMs) / 60_000) * this.#perMinute;
    this.#left = Math.min(this.#perMinute, filled);
    this.#filledAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  toString(): string {
    return `TraceBudget{${this.#perMinute} a minute}`;
  }
}

function isOfTrace(links: readonly Link[]): boolean {
  return links.some((link) => isSampled(link.context));
}

function isSampled({ traceFlags }: { readonly traceFlags: number }): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
