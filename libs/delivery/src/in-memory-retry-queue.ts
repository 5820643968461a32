import { refuseUnkeepableRetry } from './keepable.ts';
import { readRetryMessage, writeRetryMessage } from './retry-message.ts';
import type { RetryPointer } from './retry-queue.ts';
import {
  isDue,
  mayBeWoken,
  withoutNotBefore,
  type Retry,
  type RetryQueue,
  type WaitingRetry,
  type WakeOptions,
} from './retry-queue.ts';

interface ScheduledRetry {
  readonly retry: Retry;
  readonly dueAtMs: number;
}

/**
 * Retries that wait as long as the process lives: for tests, benchmarks and dry runs. Unbounded.
 * Its clock is the latest time that `takeDue` was given.
 */
export class InMemoryRetryQueue implements RetryQueue {
  readonly #retries = new Map<string, ScheduledRetry>();
  #messages: { readonly message: string; readonly dueAtMs: number }[] = [];
  #nowMs = -Infinity;

  async put(retry: Retry, dueAtMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    refuseUnkeepableRetry(retry, dueAtMs);
    this.#retries.set(retry.id, { retry, dueAtMs });
    await this.postpone(retry, dueAtMs, signal);
  }

  postpone(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    return pointer.isWoken === true ? Promise.resolve() : this.giveBack(pointer, dueAtMs, signal);
  }

  giveBack(pointer: RetryPointer, dueAtMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#messages.push({ message: writeRetryMessage(pointer), dueAtMs });
    return Promise.resolve();
  }

  wake(destination: string, { nowMs, everyMs, signal }: WakeOptions): Promise<number> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const woken = [...this.#retries.values()]
      .map(({ retry }) => retry)
      .filter((retry) => retry.destination === destination && mayBeWoken(retry, nowMs))
      .sort((left, right) => right.firstDeferredAtMs - left.firstDeferredAtMs);
    for (const [index, retry] of woken.entries())
      this.#messages.push({
        message: writeRetryMessage({ ...retry, isWoken: true }),
        dueAtMs: nowMs + index * everyMs,
      });
    return Promise.resolve(woken.length);
  }

  async read(message: string, signal: AbortSignal, waitMaxMs?: number): Promise<Retry | undefined> {
    signal.throwIfAborted();
    const pointer = readRetryMessage(message);
    const scheduled = this.#retries.get(pointer.id);
    if (scheduled === undefined) return undefined;
    if (isDue(scheduled, pointer, { nowMs: this.#nowMs, waitMaxMs })) return scheduled.retry;
    await this.postpone(pointer, scheduled.dueAtMs, signal);
    return undefined;
  }

  remove(id: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#retries.delete(id);
    return Promise.resolve();
  }

  async *waiting(signal: AbortSignal): AsyncGenerator<WaitingRetry> {
    for (const { retry, dueAtMs } of [...this.#retries.values()]) {
      signal.throwIfAborted();
      yield await Promise.resolve({ ...retry, dueAtMs });
    }
  }

  async edit(id: string, edited: (retry: Retry) => Retry | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const scheduled = this.#retries.get(id);
    if (scheduled === undefined) return;
    const retry = edited(scheduled.retry);
    if (retry === undefined) return this.remove(id, signal);
    refuseUnkeepableRetry(retry, scheduled.dueAtMs);
    this.#retries.set(id, { ...scheduled, retry });
  }

  async reschedule(id: string, dueAtMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const scheduled = this.#retries.get(id);
    if (scheduled === undefined) return;
    await this.put(withoutNotBefore(scheduled.retry), dueAtMs, signal);
  }

  /** Takes the messages that are due, as the trigger of the queue does. */
  takeDue(nowMs: number): readonly string[] {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const due = this.#messages.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    this.#messages = this.#messages.filter(({ dueAtMs }) => dueAtMs > nowMs);
    return due.map(({ message }) => message);
  }

  /** When the next message is due, in epoch milliseconds. */
  get nextDueAtMs(): number | undefined {
    return this.#messages.length === 0 ? undefined : Math.min(...this.#messages.map(({ dueAtMs }) => dueAtMs));
  }
}
