import type { HostLog } from './host-log.ts';
import type { HostJson } from './host-json.ts';
import type { Binding, InvocationInput, InvocationOutcome, RetryOptions } from './rpc.ts';
import type { Settings } from './settings.ts';

/** A function as the app registered it. */
export interface RegisteredFunction {
  readonly name: string;
  /** For example `eventHubTrigger`, `queueTrigger`, `timerTrigger`, `httpTrigger`. */
  readonly triggerType: string;
  /** The trigger's options as registered: connection, eventHubName, schedule, route, … */
  readonly trigger: Binding;
  readonly retry?: RetryOptions;
  /** All bindings by name, the trigger among them. */
  readonly bindings: Readonly<Record<string, Binding>>;
}

/** What a trigger needs of the host. */
export interface TriggerServices {
  readonly settings: Settings;
  readonly hostJson: HostJson;
  readonly log: HostLog;
  /** The same for all hosts of one app; hosts with the same id share timers. */
  readonly hostId: string;
  readonly instanceName: string;
  /** Runs the function once. Never throws. `batchSize` is for the observer. */
  invoke(registered: RegisteredFunction, input: InvocationInput, batchSize?: number): Promise<InvocationOutcome>;
}

/** A trigger that listens. */
export interface TriggerListener {
  /**
   * Takes no new work, waits until running invocations have ended or `drain` aborts, writes down
   * what has ended, and lets go of what it holds (partitions, leases, messages). Never throws.
   */
  stop(drain: AbortSignal): Promise<void>;
}

/**
 * A string option of a trigger with its `%SETTING%` expressions replaced. Throws a sentence when it
 * is missing.
 */
export function triggerText(registered: RegisteredFunction, option: string, settings: Settings): string {
  const value = registered.trigger[option];
  if (typeof value === 'string' && value !== '') return settings.expand(value, `function ${registered.name}`);
  throw new Error(
    `Failed to start function ${registered.name}: its trigger has no ${option}. Add it to the registration.`,
  );
}

/** The input of an invocation whose trigger carries one value. */
export function triggerInput(
  registered: RegisteredFunction,
  data: InvocationInput['inputData'][number]['data'],
  triggerMetadata: InvocationInput['triggerMetadata'] = {},
): InvocationInput {
  const name = Object.keys(registered.bindings).find((key) => registered.bindings[key] === registered.trigger) ?? '';
  return { inputData: [{ name, data }], triggerMetadata };
}

/** Resolves when all promises have settled or the signal aborts, whichever is first. */
export async function settledOrAborted(promises: Iterable<Promise<unknown>>, signal: AbortSignal): Promise<void> {
  const settled = Promise.allSettled(promises);
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    void settled.then(done);
  });
}

/** Sleeps and says whether it slept to the end: false when the signal woke it. */
export async function sleepUntilAborted(delayMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  return new Promise((resolve) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    }, delayMs);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
