import { CommandError } from '../terminal/command-error.ts';
import type { AuthorizationRule, WhichKey } from './authorization-rule.ts';
import type { KeyAnswer } from '../environment/hub-connection.ts';

/** AEP's side of a rotation. */
export interface KeyHolder {
  /** Which of the two keys this command gave AEP last, by our mark; undefined for another one. */
  markedKey(keys: Readonly<Record<WhichKey, string>>): Promise<WhichKey | undefined>;
  /** Gives AEP this key, unless the mark says that it has it. */
  give(key: string): Promise<void>;
  /** Whether AEP says that it reaches the hub; undefined where it does not say. */
  reachesHub(): Promise<boolean | undefined>;
}

export interface RotationPorts {
  readonly rule: AuthorizationRule;
  readonly holder: KeyHolder;
  readonly hub: {
    check(key: string): Promise<KeyAnswer>;
    /** How many events the hub took since it was made. */
    eventsEver(key: string): Promise<number>;
  };
  readonly clock: { now(): number; sleep(delayMs: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  readonly onStep: (step: RotationStep) => void;
}

export interface RotationLimits {
  /** How long AEP may go on to use the key that it had, in milliseconds. */
  readonly settleMs: number;
  /** Goes on also when no event came in that time. */
  readonly allowSilence: boolean;
  /** How long Azure may take until the hub knows a new key, in milliseconds. */
  readonly acceptMs: number;
  /** Between two looks at the hub, in milliseconds. */
  readonly pollMs: number;
}

/** What a rotation has just found, done or seen. */
export type RotationStep =
  | { readonly step: 'found'; readonly held: WhichKey | 'another' }
  | { readonly step: 'given'; readonly which: WhichKey }
  | { readonly step: 'waiting'; readonly waitMs: number }
  | { readonly step: 'settled'; readonly events: number }
  | { readonly step: 'regenerated'; readonly which: WhichKey }
  | { readonly step: 'flowing'; readonly events: number };

/**
 * Replaces both keys of a rule under traffic. A key is replaced only after this run gave AEP the
 * other one and then waited `settleMs`: so nothing of AEP uses it any more. AEP is therefore moved
 * to its other key as it is before anything is replaced, because its mark may be older than the key
 * in AEP's form. It ends with AEP on the primary key, as the output of the stack has it.
 *
 * Stopped anywhere, both keys that AEP may be using work, and the next run needs no notes of this
 * one. Throws `CommandError` (1).
 */
export async function rotateKeys(ports: RotationPorts, limits: RotationLimits): Promise<void> {
  const rotation = new Rotation(ports, limits);
  const held = await rotation.findHeld();
  const [first, ...rest] =
    held === 'secondary' ? (['primary', 'secondary', 'primary'] as const) : (['secondary', 'primary'] as const);
  await rotation.give(first);
  for (const which of rest) {
    await rotation.replaceIdle(which);
    await rotation.give(which);
  }
  if (held !== 'secondary') await rotation.replaceIdle('secondary');
  await rotation.seeEvents();
}

class Rotation {
  readonly #ports: RotationPorts;
  readonly #limits: RotationLimits;
  /** The key that this run gave AEP last. */
  #given: WhichKey = 'primary';
  #givenAtMs = 0;
  /** The hub's count when AEP was given its key, or when the other one was replaced. */
  #eventsBefore = 0;

  constructor(ports: RotationPorts, limits: RotationLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  async findHeld(): Promise<WhichKey | 'another'> {
    const { rule, holder, onStep } = this.#ports;
    const held = (await holder.markedKey(await rule.list())) ?? 'another';
    onStep({ step: 'found', held });
    return held;
  }

  /** Gives AEP a key as it is now, once the hub takes it. */
  async give(which: WhichKey): Promise<void> {
    const { rule, holder, hub, clock, onStep } = this.#ports;
    const key = await this.#acceptedKey(which);
    this.#eventsBefore = await hub.eventsEver(key);
    await holder.give(key);
    this.#given = which;
    this.#givenAtMs = clock.now();
    onStep({ step: 'given', which });
    const now = (await rule.list())[which];
    if (now !== key) {
      // The key was replaced between our look and AEP's change: AEP must not stay with a dead key.
      await holder.give(now);
      throw new CommandError(
        1,
        `Failed to rotate the keys: another run or user replaces them at the same time. AEP was given the ${which} key as it is now. Run it again when the other has ended.`,
      );
    }
    if ((await holder.reachesHub()) === false) {
      throw new CommandError(
        1,
        `Failed to rotate the keys: AEP says that it does not reach the event hub with the ${which} key, which the event hub takes from here. The key that AEP had before still works. Look at the connection in AEP, or run it again.`,
      );
    }
  }

  /** Replaces the key that AEP does not hold, when nothing of AEP can be using it any more. */
  async replaceIdle(which: WhichKey): Promise<void> {
    const { rule, holder, onStep } = this.#ports;
    await this.#settle();
    if ((await holder.markedKey(await rule.list())) !== this.#given) {
      throw new CommandError(
        1,
        'Failed to rotate the keys: another run or user gave AEP another key meanwhile. Nothing more was replaced, and the keys that AEP may be using work. Run it again when the other has ended.',
      );
    }
    await rule.regenerate(which);
    onStep({ step: 'regenerated', which });
    this.#eventsBefore = await this.#eventsEver();
  }

  /** Waits for the first event since the last change. */
  async seeEvents(): Promise<void> {
    const { clock, signal, onStep } = this.#ports;
    const { settleMs, allowSilence, pollMs } = this.#limits;
    const endMs = clock.now() + settleMs;
    for (;;) {
      const events = await this.#eventsSince();
      const isOver = clock.now() >= endMs;
      if (events > 0 || (allowSilence && isOver)) {
        onStep({ step: 'flowing', events });
        return;
      }
      if (isOver) {
        throw new CommandError(
          1,
          'Replaced both keys, and AEP has the primary one, which the event hub takes; but no event has come since. Perhaps no person entered or left an audience: look with activation aep status.',
        );
      }
      await clock.sleep(Math.min(pollMs, endMs - clock.now()), signal);
      signal.throwIfAborted();
    }
  }

  /**
   * Waits until nothing of AEP can be using another key than the one that it was given, and wants
   * to have seen events meanwhile.
   */
  async #settle(): Promise<void> {
    const { clock, signal, onStep } = this.#ports;
    const { settleMs, allowSilence } = this.#limits;
    const waitMs = Math.max(0, this.#givenAtMs + settleMs - clock.now());
    onStep({ step: 'waiting', waitMs });
    await clock.sleep(waitMs, signal);
    // A wait that was cut short must not pass for one.
    signal.throwIfAborted();
    const events = await this.#eventsSince();
    if (events === 0 && !allowSilence) {
      throw new CommandError(
        1,
        `Failed to see that AEP uses its key: no event came in ${settleMs / 1000} seconds. Both keys work, and nothing more was replaced. Run it again when there is traffic, or with --allow-silence.`,
      );
    }
    onStep({ step: 'settled', events });
  }

  /** The key, once the hub takes it: a new one takes Azure a while. */
  async #acceptedKey(which: WhichKey): Promise<string> {
    const { rule, hub, clock, signal } = this.#ports;
    const endMs = clock.now() + this.#limits.acceptMs;
    for (;;) {
      const key = (await rule.list())[which];
      const answer = await hub.check(key);
      if (answer.is === 'accepted') return key;
      if (clock.now() >= endMs) {
        const what = answer.is === 'refused' ? 'refuses' : 'could not be reached to try';
        throw new CommandError(
          1,
          `Failed to rotate the keys: the event hub ${what} the ${which} key: ${answer.why} AEP goes on with the key that it has. Run it again, from where the event hub can be reached.`,
        );
      }
      await clock.sleep(this.#limits.pollMs, signal);
      signal.throwIfAborted();
    }
  }

  async #eventsSince(): Promise<number> {
    return Math.max(0, (await this.#eventsEver()) - this.#eventsBefore);
  }

  async #eventsEver(): Promise<number> {
    const { rule, hub } = this.#ports;
    return await hub.eventsEver((await rule.list())[this.#given]);
  }
}
