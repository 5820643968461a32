import { canary, type Matcher, type Route } from '@activation-hub/activation-file';
import {
  pauseOf,
  withTimeLimit,
  type Clock,
  type Control,
  type ControlStore,
  type Hold,
  type Target,
} from '@activation-hub/delivery';
import type { Telemetry } from '@activation-hub/telemetry';
import { underPresentKeys } from './stored-names.ts';

/**
 * For how long the controls are believed, in milliseconds: as long as it may take until a worker
 * follows.
 */
export const controlsAgeMaxMs = 5_000;
/** How often a call that waits finds out whether they are that old. */
const followEveryMs = 1_000;
/** How long they are waited for: a store that does not answer holds nothing up for longer. */
const readTimeoutMs = 2_000;
/** So seldom a worker says that it cannot read them. */
const complainEveryMs = 60_000;

/** Does work that sends, and follows the controls meanwhile, where there are any. */
export async function whileFollowed<Result>(
  followed: Followed & { readonly controls?: FollowedControls },
  work: () => Promise<Result>,
): Promise<Result> {
  return followed.controls === undefined ? work() : followed.controls.followDuring(followed, work);
}

/** What the controls are applied to. */
interface Followed {
  readonly matcher: Matcher;
  readonly targets: ReadonlyMap<string, Target>;
  readonly telemetry: Telemetry;
}

/**
 * What operators ask of the running app, as this process knows it. It looks again before it tells
 * anything, at most every five seconds. A paused destination is one whose circuit is held open; a
 * paused route is asked for by `routePause`. Controls that cannot be read stop nothing: the last
 * known ones count, and an error is logged.
 */
export class FollowedControls {
  readonly #store: Pick<ControlStore, 'read'>;
  readonly #clock: Pick<Clock, 'now'>;
  #known: readonly Control[] = [];
  /** The same, under the keys that their destinations and audiences have in the file. */
  #present: readonly Control[] = [];
  #looking: Promise<void> | undefined;
  #lookedAtMs = -Infinity;
  #complainedAtMs = -Infinity;
  /**
   * The requests to try again that this process has seen. What was there when it looked first is
   * done: its circuits were closed.
   */
  #seen: ReadonlySet<string> | undefined;
  /** Pauses that were announced, by what they are about. */
  readonly #announced = new Map<
    string,
    Pick<Control, 'destination' | 'audience'> & { readonly untilMs: number; readonly isShadow: boolean }
  >();

  constructor(store: Pick<ControlStore, 'read'>, clock: Pick<Clock, 'now'>) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The controls as they were read last, also those that are over. */
  get known(): readonly Control[] {
    return this.#known;
  }

  /**
   * Looks, unless it did so lately, and holds and lets go what the controls say. Never throws;
   * calls at the same time share one look.
   */
  async follow(followed: Followed): Promise<void> {
    // It looked in the future by a clock that was set back since.
    const ageMs = this.#clock.now() - this.#lookedAtMs;
    if (ageMs < 0 || ageMs >= controlsAgeMaxMs) {
      this.#looking ??= this.#look(followed.telemetry).finally(() => (this.#looking = undefined));
      await this.#looking;
    }
    this.#present = this.#known.map((each) => underPresentKeys(each, followed.matcher));
    this.#apply(followed);
  }

  /**
   * Looks, does the work, and looks again and again meanwhile: a call may wait for a minute before
   * it sends.
   */
  async followDuring<Result>(followed: Followed, work: () => Promise<Result>): Promise<Result> {
    await this.follow(followed);
    const timer = setInterval(() => void this.follow(followed), followEveryMs);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  /**
   * The pause of a route alone; where its whole destination is paused, the circuit is held open.
   */
  routePause({ destination }: Pick<Route, 'destination'>, audience: string, nowMs: number): Control | undefined {
    // The usual case, of every change again and again.
    if (this.#present.length === 0) return undefined;
    const ofRoutes = this.#controlsFor(destination).filter((control) => control.audience !== undefined);
    return pauseOf(ofRoutes, { destination, audience }, nowMs);
  }

  async #look(telemetry: Telemetry): Promise<void> {
    try {
      this.#known = await withTimeLimit(readTimeoutMs, (signal) => this.#store.read(signal));
    } catch (error) {
      const nowMs = this.#clock.now();
      if (nowMs - this.#complainedAtMs >= complainEveryMs) {
        this.#complainedAtMs = nowMs;
        telemetry.emit('controls-unreadable', { reason: reasonOf(error) });
      }
    }
    this.#lookedAtMs = this.#clock.now();
  }

  #apply({ targets, telemetry }: Followed): void {
    const nowMs = this.#clock.now();
    const requests = new Set(this.#known.filter(({ action }) => action === 'retry-now').map(requestText));
    const seen = this.#seen ?? requests;
    const asked = new Set([...requests].filter((text) => !seen.has(text)));
    this.#seen = requests;
    for (const { key, breaker } of targets.values()) {
      const controls = this.#controlsFor(key);
      const pause = pauseOf(controls, { destination: key }, nowMs);
      breaker.hold(pause === undefined ? undefined : holdOf(pause));
      if (!controls.some((control) => asked.has(requestText(control)))) continue;
      breaker.probeNow(nowMs);
      telemetry.emit('retry-asked', { destination: key });
    }
    this.#announce(telemetry, nowMs);
  }

  /** Those that concern a destination. The canary cannot be paused. */
  #controlsFor(key: string): readonly Control[] {
    if (key === canary.key) return [];
    return this.#present.filter(({ destination }) => destination === undefined || destination === key);
  }

  #announce(telemetry: Telemetry, nowMs: number): void {
    const active = this.#known.filter(({ action, untilMs = Infinity }) => action === 'pause' && nowMs < untilMs);
    const texts = new Map(active.map((each) => [JSON.stringify([each.destination, each.audience]), each]));
    for (const [text, { destination, audience, untilMs = Infinity, isShadow = false }] of texts) {
      const before = this.#announced.get(text);
      if (before?.untilMs === untilMs && before.isShadow === isShadow) continue;
      const scope = {
        ...(destination === undefined ? {} : { destination }),
        ...(audience === undefined ? {} : { audience }),
      };
      this.#announced.set(text, { ...scope, untilMs, isShadow });
      const until = untilMs === Infinity ? {} : { until: new Date(untilMs).toISOString() };
      telemetry.emit(isShadow ? 'destination-shadowed' : 'destination-paused', {
        destination: 'everything',
        ...scope,
        ...until,
      });
    }
    for (const [text, { destination = 'everything', audience }] of this.#announced) {
      if (texts.has(text)) continue;
      this.#announced.delete(text);
      telemetry.emit('destination-resumed', { destination, ...(audience === undefined ? {} : { audience }) });
    }
  }
}

function holdOf({ untilMs, isShadow }: Control): Hold {
  return { ...(untilMs === undefined ? {} : { untilMs }), ...(isShadow === undefined ? {} : { isShadow }) };
}

function requestText({ action, atMs, by }: Control): string {
  return JSON.stringify([action, atMs, by]);
}

/**
 * A failure of a store names its host and its code, and a document that cannot be read its blob;
 * both are for logs.
 */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.message.startsWith('Failed to ')
    ? error.message
    : 'the store did not answer in time.';
}
