import { createMatcher, type ActivationFile, type Matcher } from '@activation-hub/activation-file';
import {
  activeControls,
  isSameScope,
  pauseOf,
  withControl,
  type Control,
  type ControlScope,
  type ControlStore,
  type RetryQueue,
} from '@activation-hub/delivery';
import { controlsAgeMaxMs } from './followed-controls.ts';
import { storedNames, underPresentKeys } from './stored-names.ts';

/** What an operator's request works with. */
export interface AskContext {
  readonly file: ActivationFile;
  readonly controls: ControlStore;
  readonly retryQueue: Pick<RetryQueue, 'wake'>;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Who asks, and why, in their own words. */
export interface Asker {
  readonly by: string;
  readonly reason: string;
}

/** A control is kept, and not everything was woken that waits for it. */
export class NotAllWoken extends Error {
  override readonly name = 'NotAllWoken';

  constructor(cause: unknown) {
    super(
      'Failed to wake everything that waits, although the request itself is kept. What is left comes by itself within an hour; activation retry-now tries it at once.',
      { cause },
    );
  }
}

/**
 * The time between two retries that are woken, in milliseconds: each may be a hundred events, and
 * the rate limiter has the last word.
 */
const wakeEveryMs = 100;
/** Until then every worker that has something to do knows what was asked for. */
const followedMs = controlsAgeMaxMs + 1_000;

/**
 * Pauses a destination, one of its routes or (without a destination) everything, until it is
 * resumed or `untilMs`, or puts it into shadow: then one looks at what would be told by
 * `dryResume`. Changes wait in the retry queue. A pause or a shadow of the very same scope is
 * replaced. Throws when the store cannot be reached or its controls not be read.
 */
export async function pause(
  scope: ControlScope,
  asker: Asker & Pick<Control, 'untilMs' | 'isShadow'>,
  { file, controls, nowMs }: Pick<AskContext, 'file' | 'controls' | 'nowMs'>,
  signal: AbortSignal,
): Promise<Control> {
  const audience = scope.audience === undefined ? undefined : file.audiences.get(scope.audience);
  const control: Control = {
    action: 'pause',
    ...scope,
    ...(audience === undefined ? {} : { ledgerAudience: { namespace: audience.namespace, id: audience.ledgerId } }),
    ...asker,
    atMs: nowMs,
  };
  const isOfScope = scopeIn(createMatcher(file), scope);
  await controls.edit(
    (kept) =>
      withControl(
        kept.filter((each) => !isPauseOf(each, isOfScope)),
        control,
        nowMs,
      ),
    signal,
  );
  return control;
}

/**
 * Whether a control is of exactly this scope, under whatever keys an earlier file had its
 * destination and its audience.
 */
function scopeIn(matcher: Matcher, scope: ControlScope): (control: Control) => boolean {
  return (control) => isSameScope(underPresentKeys(control, matcher), scope);
}

function isPauseOf(control: Control, isOfScope: (control: Control) => boolean): boolean {
  return control.action === 'pause' && isOfScope(control);
}

/** The result of a resume. */
export interface Resumed {
  /** The pause that ended; absent when there was none of this scope. */
  readonly ended?: Control;
  /** Another one that goes on: of everything, or of the whole destination. */
  readonly stillPaused?: Control;
  /** How many retries are tried from now on. */
  readonly woken: number;
}

/**
 * Ends the pause of exactly this scope, and wakes what waits for it, the newest first. Throws as
 * `pause` does, and `NotAllWoken` when it stops after that.
 */
export async function resume(scope: ControlScope, context: AskContext, signal: AbortSignal): Promise<Resumed> {
  const { file, controls, nowMs } = context;
  const matcher = createMatcher(file);
  const isOfScope = scopeIn(matcher, scope);
  let ended: Control | undefined;
  const left = await controls.edit((kept) => {
    const active = activeControls(kept, nowMs);
    // Edited once more after a lost reply, it finds its own result.
    ended ??= active.find((each) => isPauseOf(each, isOfScope));
    return active.filter((each) => !isPauseOf(each, isOfScope));
  }, signal);
  // What goes on covers the whole destination, or everything: that of the very same route has just
  // ended.
  const { destination } = scope;
  const stillPaused =
    destination === undefined
      ? undefined
      : pauseOf(
          left.map((each) => underPresentKeys(each, matcher)),
          { destination },
          nowMs,
        );
  const woken = ended === undefined ? 0 : await wakeAll(scope, left, context, signal);
  return { ...(ended === undefined ? {} : { ended }), ...(stillPaused === undefined ? {} : { stillPaused }), woken };
}

/**
 * Lets the circuit of a destination, or (without one) of each, probe at once, and wakes what waits
 * for it: for a person who has mended it. Gives the number of retries that are tried from now on;
 * those for which a destination has named a time wait for that. Of what is paused nothing is tried.
 * Throws as `resume` does.
 */
export async function retryNow(
  { destination }: Pick<ControlScope, 'destination'>,
  asker: Asker,
  context: AskContext,
  signal: AbortSignal,
): Promise<number> {
  const { controls, nowMs } = context;
  const scope = destination === undefined ? {} : { destination };
  const control: Control = { action: 'retry-now', ...scope, ...asker, atMs: nowMs };
  const kept = await controls.edit((before) => withControl(before, control, nowMs), signal);
  return wakeAll(scope, kept, context, signal);
}

/**
 * Wakes what waits for the destinations of a scope that are not paused, when all workers know of
 * it.
 */
async function wakeAll(
  { destination }: ControlScope,
  controls: readonly Control[],
  { file, retryQueue, nowMs }: AskContext,
  signal: AbortSignal,
): Promise<number> {
  const matcher = createMatcher(file);
  const present = controls.map((each) => underPresentKeys(each, matcher));
  let woken = 0;
  for (const key of file.destinations.keys()) {
    if (destination !== undefined && destination !== key) continue;
    if (pauseOf(present, { destination: key }, nowMs) !== undefined) continue;
    // What an older file deferred waits under the name that the destination had there.
    for (const name of storedNames(key, matcher)) {
      const options = { nowMs: nowMs + followedMs, everyMs: wakeEveryMs, signal };
      woken += await retryQueue.wake(name, options).catch((error: unknown) => {
        throw new NotAllWoken(error);
      });
    }
  }
  return woken;
}
