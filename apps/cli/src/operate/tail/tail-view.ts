import { transitionWords } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import type { ChangeRow, Circuit } from '@activation-hub/console-contract';
import { isShadowReason, pauseOf, type Control } from '@activation-hub/delivery';
import type { Transition } from '@activation-hub/membership';
import type { Outcome } from '@activation-hub/telemetry';
import { Activity } from '../../console/activity.ts';
import type { StatusParts } from '../../traffic/local/status-line.ts';
import { maskedValue } from '../../terminal/masked-identity.ts';
import type { WrittenTransition } from './written-transitions.ts';

/**
 * Rates and ages are those of the last minute: a look finds the changes of several seconds at once.
 */
const statusSeconds = 60;

/** What a terminal shows of an environment: each change as a line, and how everything is. */
export class TailView {
  readonly #file: ActivationFile;
  readonly #activity: Activity;
  #lastId = 0;
  paused: readonly Control[] = [];
  /** By destination. */
  deadLetters: ReadonlyMap<string, number> = new Map();

  constructor(file: ActivationFile) {
    this.#file = file;
    this.#activity = new Activity(file);
  }

  /** Counts the change; gives its line, with the person masked. */
  add({ route, identity, isShadow, transition }: WrittenTransition): ChangeRow {
    const { audience, destination } = route;
    const { lastAtMs: atMs, enqueuedAtMs } = transition;
    const outcome = outcomeOf(transition, isShadow);
    // The age says something only of what an export brought: a resync tells what is old.
    const isAged = transition.because === 'export' || transition.because === 'retry';
    const event = { partitionId: '', sequenceNumber: 0, enqueuedAtMs };
    this.#activity.add({ audience, destination, identity, outcome, atMs, ...(isAged ? { event } : {}) });
    this.#lastId += 1;
    return {
      id: this.#lastId,
      atMs,
      audience,
      destination,
      namespace: identity.namespace,
      person: maskedValue(identity.value),
      who: '',
      ...kindOf(transition),
      outcome,
      ...(isShadowReason(transition.reason ?? '') ? { isInShadow: true } : {}),
      why: transitionWords(transition, isShadow),
      ...(isAged ? { ageMs: Math.max(0, atMs - enqueuedAtMs) } : {}),
    };
  }

  status(nowMs: number): Omit<StatusParts, 'prompt'> {
    const deadLetters = [...this.deadLetters.values()].reduce((sum, letters) => sum + letters, 0);
    return {
      overview: {
        atMs: nowMs,
        attention: [],
        cells: [],
        circuits: this.#pausedAt(nowMs),
        faults: {},
        deadLetters,
        waiting: this.#activity.waiting,
      },
      points: this.#activity.series(nowMs, statusSeconds),
      keys: ['? words', 'q end'],
    };
  }

  /** The circuit of a paused destination is held open; of another one its workers alone know. */
  #pausedAt(nowMs: number): readonly Circuit[] {
    return [...this.#file.destinations.keys()].map((destination) => ({
      destination,
      state: pauseOf(this.paused, { destination }, nowMs) === undefined ? 'closed' : 'paused',
    }));
  }
}

/** A change as one JSON object, with the person masked. */
export function changeEvent(row: ChangeRow, { transition }: WrittenTransition): object {
  const { destination, audience, namespace, person, outcome, isInShadow, kind, why, ageMs } = row;
  const { because, class: failure, reason } = transition;
  return {
    event: 'change',
    at: new Date(row.atMs).toISOString(),
    destination,
    audience,
    identity: { namespace, value: person },
    ...(kind === undefined ? {} : { kind }),
    outcome,
    ...(isInShadow === undefined ? {} : { isInShadow }),
    because,
    ...(failure === undefined ? {} : { class: failure }),
    ...(reason === undefined ? {} : { reason }),
    why,
    ...(ageMs === undefined ? {} : { ageMs }),
  };
}

/**
 * The change, and how long the attempt took; nothing for a write without an attempt.
 */
function kindOf({ did, atMs, lastAtMs }: Transition): Pick<ChangeRow, 'kind' | 'requestMs'> {
  return did === 'entered' || did === 'updated' || did === 'exited'
    ? { kind: did, requestMs: Math.max(0, lastAtMs - atMs) }
    : {};
}

function outcomeOf({ did, because, outcome, isWithheld }: Transition, isShadow: boolean): Outcome {
  switch (did) {
    case 'entered':
    case 'updated':
    case 'exited':
      return isShadow ? 'shadowed' : (outcome ?? 'deferred');
    case 'noted':
      return isWithheld && because !== 'former-identity' ? 'withheld' : 'unchanged';
    case 'delivered':
      return 'unchanged';
    case 'paused':
    case 'deferred':
    case 'given-up':
      return did;
    case 'overtaken':
      return 'superseded';
  }
}
