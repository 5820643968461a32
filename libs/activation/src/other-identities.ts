import {
  areRememberable,
  ledgerKeyText,
  type Attributes,
  type FormerOf,
  type Identity,
  type LedgerWrite,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { othersOf } from './people-to-follow.ts';
import { planRow, type LeaseHolder } from './plan-row.ts';
import { formerOfPerson, type DesiredMembership, type Resolved, type RoutedPerson } from './resolve-memberships.ts';
import type { Tally } from './tally.ts';
import { writePlans } from './write-plans.ts';

/**
 * That no person is known under another identity, as of the export; to be written where there is no
 * row.
 */
interface Note {
  readonly person: RoutedPerson;
  readonly keyText: string;
  readonly destination: string;
  readonly write: LedgerWrite;
}

const noAttributes: Attributes = {};

/**
 * The other identities of people who enter, where no row is expected under any: they are noted
 * beside the lease, and the row needs no second look when it is settled (docs/specs/ledger.md,
 * section 6). The condition of each write finds out whether there is a row after all.
 *
 * Left out, and followed as usual, are people whom a link may name under more identities, and those
 * of whom the cache or the batch knows a row under one.
 */
export class OtherIdentities {
  readonly #context: ActivationContext;
  readonly #newest: Resolved['newest'];
  readonly #by: LeaseHolder;
  readonly #notes = new Map<string, Note>();
  readonly #people = new Set<RoutedPerson>();
  #last:
    | {
        readonly identities: readonly Identity[];
        readonly others: readonly Identity[];
        readonly formerOf: readonly FormerOf[];
      }
    | undefined;

  constructor(newest: Resolved['newest'], by: LeaseHolder, context: ActivationContext) {
    this.#context = context;
    this.#newest = newest;
    this.#by = by;
  }

  /** Takes the person of a membership whose row is leased as one that is not there. */
  add({ key, person }: DesiredMembership): void {
    const { linkDigest, route, state } = person;
    if (linkDigest === '' || route.follow.length > 0 || this.#people.has(person)) return;
    const nowMs = this.#context.clock.now();
    const { others, formerOf } = this.#identitiesOf(person);
    if (!areRememberable(formerOf)) return;
    const desired = { state: { ...state, isMember: false, content: '' }, attributes: noAttributes, formerOf };
    const options = { mode: route.mode, by: this.#by, nowMs, cause: 'export', because: 'former-identity' } as const;
    const notes: Note[] = [];
    for (const identity of others) {
      const other = { destination: key.destination, identity, audience: key.audience };
      const keyText = ledgerKeyText(other);
      if (this.#isConcerned(keyText, nowMs)) return;
      const plan = planRow(other, undefined, desired, options);
      if (plan.is === 'note') notes.push({ person, keyText, destination: key.destination, write: plan.write });
    }
    for (const note of notes) this.#notes.set(note.keyText, note);
    this.#people.add(person);
  }

  /** Writes the notes, once. A person of whom one was lost is followed as usual. */
  async write(tally: Tally, signal: AbortSignal): Promise<void> {
    const notes = [...this.#notes.values()];
    if (notes.length === 0) return;
    this.#notes.clear();
    const { written, lost } = await writePlans(notes, this.#context, tally, signal);
    const { ledgerCache } = this.#context;
    for (const { planned: note } of written) ledgerCache.countLookedFor(note.destination, false);
    for (const { destination, person } of lost) {
      ledgerCache.countLookedFor(destination, true);
      this.#people.delete(person);
    }
  }

  /**
   * Whether the other identities of the person, if there are any, have rows that say that no person
   * is known under them.
   */
  areNoted(person: RoutedPerson): boolean {
    return this.#people.has(person);
  }

  /**
   * The audiences of an export come one after the other, and those that are routed alike share the
   * identities.
   */
  #identitiesOf(person: RoutedPerson): {
    readonly others: readonly Identity[];
    readonly formerOf: readonly FormerOf[];
  } {
    const { identities } = person;
    if (this.#last?.identities !== identities)
      this.#last = { identities, others: othersOf(person), formerOf: formerOfPerson(person) };
    return this.#last;
  }

  #isConcerned(keyText: string, nowMs: number): boolean {
    return (
      this.#newest.has(keyText) ||
      this.#notes.has(keyText) ||
      this.#context.ledgerCache.get(keyText, nowMs) !== undefined
    );
  }
}
