import type { PersonState } from './tenant-people.ts';
import type { TimedStatus } from './timed-status.ts';

/** A state with what else the export said of the person, and its place in the order of sending. */
export interface SentStatus extends TimedStatus, PersonState {
  readonly sequence: number;
}

const words = ['realized', 'exited'] as const;

/** States in numbered slots, 22 bytes each, so that a million profiles fit into memory. */
export class MembershipTable {
  /** 0 for an empty slot, then 1 + index of the status in `words`. */
  readonly #status: Uint8Array;
  readonly #qualifiedAtMs: Float64Array;
  readonly #sequence: Float64Array;
  readonly #version: Uint16Array;
  readonly #stage: Uint16Array;
  readonly #withdrawn: Uint8Array;

  constructor(slots: number) {
    this.#status = new Uint8Array(slots);
    this.#qualifiedAtMs = new Float64Array(slots);
    this.#sequence = new Float64Array(slots);
    this.#version = new Uint16Array(slots);
    this.#stage = new Uint16Array(slots);
    this.#withdrawn = new Uint8Array(slots);
  }

  read(slot: number): SentStatus | undefined {
    const code = this.#status[slot] ?? 0;
    if (code === 0) return undefined;
    return {
      status: words[code - 1] ?? 'realized',
      qualifiedAtMs: this.#qualifiedAtMs[slot] ?? 0,
      sequence: this.#sequence[slot] ?? 0,
      version: this.#version[slot] ?? 0,
      stage: this.#stage[slot] ?? 0,
      withdrawn: this.#withdrawn[slot] === 1,
    };
  }

  write(slot: number, state: TimedStatus & Partial<SentStatus>): void {
    this.#status[slot] = 1 + words.indexOf(state.status);
    this.#qualifiedAtMs[slot] = state.qualifiedAtMs;
    this.#sequence[slot] = state.sequence ?? 0;
    this.#version[slot] = state.version ?? 0;
    this.#stage[slot] = state.stage ?? 0;
    this.#withdrawn[slot] = state.withdrawn === true ? 1 : 0;
  }

  writeUnlessOlder(slot: number, state: SentStatus): void {
    const known = this.read(slot);
    if (known === undefined || compareSent(state, known) > 0) this.write(slot, state);
  }
}

/**
 * From old to new: by qualification; an exit after the realisation that it ends; then by the order
 * of sending.
 */
function compareSent(left: SentStatus, right: SentStatus): number {
  return (
    left.qualifiedAtMs - right.qualifiedAtMs ||
    words.indexOf(left.status) - words.indexOf(right.status) ||
    left.sequence - right.sequence
  );
}
