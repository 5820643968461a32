import type { DeferredRow } from './retry-queue.ts';

/** What an operator asks of the running function app, without a deployment. */
export interface Control {
  /**
   * - `pause`: nothing is sent until it is resumed or its time is over; changes wait in the retry
   *   queue;
   * - `retry-now`: what waits is tried at once, whatever failed before. It is over when every
   *   worker has seen it.
   */
  readonly action: 'pause' | 'retry-now';
  /** Key of the destination in the activation file; absent for all of them. */
  readonly destination?: string;
  /** Key of the audience, for one route of the destination; absent for all of its routes. */
  readonly audience?: string;
  /** That audience as the ledger names it: a later activation file may give it another key. */
  readonly ledgerAudience?: DeferredRow['audience'];
  /** Since when, in epoch milliseconds. */
  readonly atMs: number;
  /** When a pause ends by itself; absent when it does not. */
  readonly untilMs?: number;
  /**
   * A shadow: a pause in which operators look at what would be told. A worker that does not know it
   * holds back all the same.
   */
  readonly isShadow?: true;
  /** Who asked for it, and why, in their own words. Neither goes into a log line. */
  readonly by: string;
  readonly reason: string;
}

/** What a control is about. */
export type ControlScope = Pick<Control, 'destination' | 'audience'>;

/**
 * Where controls are kept. Both throw when the store cannot be reached, and
 * `UnreadableDocumentError` when they cannot be read.
 */
export interface ControlStore {
  /** All controls that are kept, also those that are over; none where nothing was ever written. */
  read(signal: AbortSignal): Promise<readonly Control[]>;
  /**
   * Rewrites them: `edited` is given them as they are, and again when another process wrote
   * meanwhile. Gives what is kept then.
   */
  edit(edited: (controls: readonly Control[]) => readonly Control[], signal: AbortSignal): Promise<readonly Control[]>;
}

/**
 * For how long a `retry-now` counts: every worker that has something to do sees it within seconds.
 */
export const retryNowKeepMs = 3_600_000;

/** So many characters `by` and `reason` may have. */
export const controlTextCharactersMax = 200;

/**
 * The pause that holds a destination, or with an audience a route of it; of several the one that
 * lasts longest.
 */
export function pauseOf(
  controls: readonly Control[],
  { destination, audience }: { readonly destination: string; readonly audience?: string },
  nowMs: number,
): Control | undefined {
  return controls
    .filter(
      (control) =>
        isActivePause(control, nowMs) &&
        (control.destination === undefined || control.destination === destination) &&
        (control.audience === undefined || control.audience === audience),
    )
    .toSorted((left, right) => (right.untilMs ?? Infinity) - (left.untilMs ?? Infinity))[0];
}

/** The controls that count at that time. */
export function activeControls(controls: readonly Control[], nowMs: number): readonly Control[] {
  return controls.filter((each) =>
    each.action === 'pause' ? isActivePause(each, nowMs) : nowMs - each.atMs < retryNowKeepMs,
  );
}

/**
 * The controls with one more, in the place of that of the same action and scope, and without those
 * that are over.
 */
export function withControl(controls: readonly Control[], control: Control, nowMs: number): readonly Control[] {
  const others = activeControls(controls, nowMs).filter(
    (each) => each.action !== control.action || !isSameScope(each, control),
  );
  return [...others, control];
}

export function isSameScope(left: ControlScope, right: ControlScope): boolean {
  return left.destination === right.destination && left.audience === right.audience;
}

function isActivePause({ action, untilMs = Infinity }: Control, nowMs: number): boolean {
  return action === 'pause' && nowMs < untilMs;
}

/** Controls that live as long as the process: for tests and dry runs. */
export class InMemoryControls implements ControlStore {
  #controls: readonly Control[] = [];

  read(signal: AbortSignal): Promise<readonly Control[]> {
    return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve(this.#controls);
  }

  edit(edited: (controls: readonly Control[]) => readonly Control[], signal: AbortSignal): Promise<readonly Control[]> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#controls = edited(this.#controls);
    return Promise.resolve(this.#controls);
  }
}
