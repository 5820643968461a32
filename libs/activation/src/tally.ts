import type { ChangeKind } from '@activation-hub/destination-kit';
import type { Outcome } from '@activation-hub/telemetry';
import type { ActivationContext } from './activation-context.ts';
import type { ObservedSubject } from './observed-change.ts';
import { subjectOf } from './observed-subject.ts';
import type { Resolved } from './resolve-memberships.ts';
import { tooDeep } from './unfit-attributes.ts';
import type { Work } from './work.ts';

/**
 * Counts the outcomes of one batch. Every change is counted once, at the place where its outcome
 * becomes certain.
 */
export class Tally {
  readonly #context: Pick<ActivationContext, 'clock' | 'observe'>;
  readonly #startedMs: number;
  readonly #outcomes: Record<string, Partial<Record<Outcome, number>>> = {};
  readonly #shadowed = new Map<string, Record<ChangeKind, number>>();
  ledgerReads = 0;
  ledgerWrites = 0;
  /**
   * Rows of identities that are not the person's any more, told besides the changes of the events.
   */
  formerIdentities = 0;

  constructor(context: Pick<ActivationContext, 'clock' | 'observe'>) {
    this.#context = context;
    this.#startedMs = context.clock.now();
  }

  /** `of` says what the change is about, for who observes changes one by one. */
  count(destination: string, outcome: Outcome, of: () => ObservedSubject): void {
    const byOutcome = (this.#outcomes[destination] ??= {});
    byOutcome[outcome] = (byOutcome[outcome] ?? 0) + 1;
    const { observe, clock } = this.#context;
    observe?.({ destination, outcome, atMs: clock.now(), ...of() });
  }

  /**
   * Counts what a shadow holds back, besides its outcome, when it comes: not when it is looked at
   * again.
   */
  countShadowed(destination: string, kind: ChangeKind): void {
    const byKind = this.#shadowed.get(destination) ?? { entered: 0, updated: 0, exited: 0 };
    byKind[kind] += 1;
    this.#shadowed.set(destination, byKind);
  }

  /**
   * Counts what the third stage has ended: no identity, something newer in the same batch, or an
   * attribute that is nested too deeply.
   */
  countResolved({ unresolved, superseded, tooDeep: lost }: Resolved): void {
    for (const each of unresolved) this.count(each.route.destination, 'unresolved', () => subjectOf(each));
    for (const each of superseded) this.count(each.route.destination, 'superseded', () => subjectOf(each));
    for (const each of lost) this.count(each.route.destination, 'rejected', () => ({ ...subjectOf(each), ...tooDeep }));
  }

  /** Emits the outcomes of the batch. */
  report({ events, retry }: Work, exports: number, context: ActivationContext): void {
    for (const [destination, byKind] of this.#shadowed)
      context.telemetry.emit('changes-shadowed', { destination, ...byKind });
    const counted = {
      outcomes: this.#outcomes,
      ledgerReads: this.ledgerReads,
      ledgerWrites: this.ledgerWrites,
      formerIdentities: this.formerIdentities,
      durationMs: context.clock.now() - this.#startedMs,
    };
    if (retry !== undefined) {
      const { destination, attempts, firstDeferredAtMs } = retry;
      const ageMs = Math.max(0, context.clock.now() - firstDeferredAtMs);
      context.telemetry.emit('retry-settled', { destination, events: events.length, attempts, ageMs, ...counted });
      return;
    }
    context.telemetry.emit('batch-settled', {
      partitionId: events[0]?.partitionId ?? '',
      events: events.length,
      exports,
      firstSequenceNumber: events[0]?.sequenceNumber ?? 0,
      lastSequenceNumber: events.at(-1)?.sequenceNumber ?? 0,
      ...counted,
    });
  }
}
