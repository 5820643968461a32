import type { JsonObject, JsonValue } from '@activation-hub/audience-events';
import { seededRandom, type Random } from '@activation-hub/audience-events/testing';
import type { Identity, IdentityChoice } from '@activation-hub/membership';
import { MembershipTable } from './tenant-memberships.ts';
import type { TimedStatus } from './timed-status.ts';
import { firstStage, mix, nextStage, peopleOf, type ExportContent, type PersonState } from './tenant-people.ts';
import type { TenantAudience, TenantOptions } from './tenant-options.ts';

export interface SimulatedExport {
  readonly body: JsonObject;
  /** Number of the profile, from 0. */
  readonly profile: number;
  /** Who the person was when it was written. */
  readonly person: PersonState;
  readonly memberships: readonly (TimedStatus & { readonly audience: TenantAudience })[];
  /** When it is sent, in epoch milliseconds: later than its content when it comes late. */
  readonly at: number;
}

/** What a route knows of a person in one state. */
export interface KnownPerson {
  /**
   * The identities under which the route's destination must know the person, and no other; none
   * when it accepts none.
   */
  readonly identities: readonly Identity[];
  /** By dotted path. */
  readonly attributes: Readonly<Record<string, JsonValue>>;
  readonly consentWithdrawn: boolean;
}

/**
 * What a destination should know of one person in one audience after all exports so far, by AEP's
 * rules.
 */
export interface TenantTruth extends KnownPerson, TimedStatus {
  readonly profile: number;
  readonly audience: TenantAudience;
}

/** A company's profiles as AEP would export them. */
export interface Tenant {
  /** The next export, sent at `atMs`, which must not go back. */
  next(atMs: number): SimulatedExport;
  /**
   * For every person the newest state of every audience that was exported, with the identities that
   * the choice finds in it; of several exports of one qualification, that which was sent last. Who
   * sends the exports one after another, in the order in which they come from here, must end with
   * exactly this: under each of these identities the person is known as it says, and under no other
   * at all.
   */
  truth(choice: IdentityChoice): Generator<TenantTruth>;
  /** What a route with this choice knows of a person in that state. */
  describe(profile: number, person: PersonState, choice: IdentityChoice): KnownPerson;
}

/** How often what happens, in parts of one: most exports of a busy tenant change nothing. */
const share = { transition: 0.25, attributeChange: 0.06, consentChange: 0.02, identityChange: 0.05, duplicate: 0.05 };
/** How often consent changes together with an identity. */
const consentWithIdentityShare = 0.1;
const lateShare = 0.05;
/** Exports that may be held back at once, and for how many others at most. */
const lateMax = 256;
const lateForMax = 500;
const recentMax = 64;
const rideAlongShare = 0.85;
const sameTimeExitShare = 0.2;
const wholeSecondShare = 0.6;

interface Prepared extends ExportContent {
  readonly body: JsonObject;
}

/**
 * Makes a tenant whose people enter and leave audiences, become known, get and lose identities,
 * change attributes and withdraw consent, and whose exports repeat, rewrite the same values, come
 * late and out of order, in all of AEP's spellings of time. Throws a RangeError when there is no
 * profile or no audience.
 */
export function createTenant(options: TenantOptions): Tenant {
  if (options.profiles < 1 || options.audiences.length === 0) {
    throw new RangeError('Failed to make a tenant: it needs at least one profile and one audience. Give both.');
  }
  return new SimulatedTenant(options);
}

class SimulatedTenant implements Tenant {
  readonly #options: TenantOptions;
  readonly #people: ReturnType<typeof peopleOf>;
  readonly #random: Random;
  readonly #stage: Uint16Array;
  readonly #version: Uint16Array;
  readonly #withdrawn: Uint8Array;
  readonly #current: MembershipTable;
  readonly #sent: MembershipTable;
  readonly #late: { readonly dueAt: number; readonly prepared: Prepared }[] = [];
  readonly #recent: Prepared[] = [];
  #sequence = 0;

  constructor(options: TenantOptions) {
    const { seed, profiles, audiences } = options;
    this.#options = options;
    this.#people = peopleOf(options);
    this.#random = seededRandom(mix(seed, 0x7e4a47));
    this.#stage = Uint16Array.from({ length: profiles }, () => firstStage(this.#random));
    this.#version = new Uint16Array(profiles);
    this.#withdrawn = new Uint8Array(profiles);
    this.#current = new MembershipTable(profiles * audiences.length);
    this.#sent = new MembershipTable(profiles * audiences.length);
  }

  next(atMs: number): SimulatedExport {
    const prepared = this.#choose(atMs);
    this.#recent[this.#sequence % recentMax] = prepared;
    this.#sequence += 1;
    const { body, profile, person } = prepared;
    const memberships = prepared.memberships.flatMap(({ audience: index, status, qualifiedAtMs }) => {
      this.#sent.writeUnlessOlder(this.#slot(profile, index), {
        status,
        qualifiedAtMs,
        sequence: this.#sequence,
        ...person,
      });
      const audience = this.#options.audiences[index];
      return audience === undefined ? [] : [{ audience, status, qualifiedAtMs }];
    });
    return { body, profile, person, memberships, at: atMs };
  }

  *truth(choice: IdentityChoice): Generator<TenantTruth> {
    const { profiles, audiences } = this.#options;
    for (let profile = 0; profile < profiles; profile += 1) {
      for (const [index, audience] of audiences.entries()) {
        const state = this.#sent.read(this.#slot(profile, index));
        if (state === undefined) continue;
        const { status, qualifiedAtMs } = state;
        yield { profile, audience, status, qualifiedAtMs, ...this.describe(profile, state, choice) };
      }
    }
  }

  describe(profile: number, person: PersonState, choice: IdentityChoice): KnownPerson {
    return {
      identities: this.#identitiesNow(profile, person, choice),
      attributes: this.#people.attributesOf(profile, person),
      consentWithdrawn: person.withdrawn,
    };
  }

  /** One that was held back and is due, or a new one. */
  #choose(atMs: number): Prepared {
    const due = this.#late.findIndex(({ dueAt }) => dueAt <= this.#sequence);
    const [held] = due < 0 ? [] : this.#late.splice(due, 1);
    if (held !== undefined) return held.prepared;
    for (;;) {
      const prepared = this.#make(atMs);
      if (this.#late.length >= lateMax || this.#random() >= lateShare) return prepared;
      this.#late.push({ dueAt: this.#sequence + 1 + this.#whole(lateForMax), prepared });
    }
  }

  #make(atMs: number): Prepared {
    const duplicate = this.#random() < share.duplicate ? this.#recent[this.#whole(this.#recent.length)] : undefined;
    if (duplicate !== undefined) return duplicate;
    const profile = this.#whole(this.#options.profiles);
    // A person who never was in a mapped audience is not exported.
    let event = this.#statesOf(profile).length > 0 ? this.#random() : 0;
    if ((event -= share.transition) < 0) return this.#prepare(profile, this.#transit(profile, atMs));
    if ((event -= share.attributeChange) < 0) this.#version[profile] = (this.#version[profile] ?? 0) + 1;
    else if ((event -= share.consentChange) < 0) this.#withdrawn[profile] = 1 - (this.#withdrawn[profile] ?? 0);
    else if (event < share.identityChange) this.#changeIdentity(profile);
    return this.#prepare(profile, undefined);
  }

  #changeIdentity(profile: number): void {
    this.#stage[profile] = nextStage(this.#stage[profile] ?? 0, this.#random);
    if (this.#random() < consentWithIdentityShare) this.#withdrawn[profile] = 1 - (this.#withdrawn[profile] ?? 0);
  }

  /** Makes a person enter or leave an audience, and says which. */
  #transit(profile: number, atMs: number): number {
    const audience = this.#whole(this.#options.audiences.length);
    const slot = this.#slot(profile, audience);
    const before = this.#current.read(slot);
    const status = before?.status === 'realized' ? 'exited' : 'realized';
    const last = before?.qualifiedAtMs ?? 0;
    const second = Math.floor(atMs / 1000) * 1000;
    // Times strictly rise per key, whatever the spelling cuts off; only an exit may carry the time
    // of what it ends.
    const rising = this.#random() < wholeSecondShare && second > last ? second : Math.max(atMs, last + 1);
    const qualifiedAtMs = status === 'exited' && this.#random() < sameTimeExitShare ? last : rising;
    this.#current.write(slot, { status, qualifiedAtMs });
    return audience;
  }

  /**
   * The export of a person as they are now; it may contain other audiences than the one that
   * changed.
   */
  #prepare(profile: number, changed: number | undefined): Prepared {
    const states = this.#statesOf(profile);
    const some = states.filter(({ audience }) => audience === changed || this.#random() < rideAlongShare);
    const content = {
      profile,
      person: {
        stage: this.#stage[profile] ?? 0,
        version: this.#version[profile] ?? 0,
        withdrawn: this.#withdrawn[profile] === 1,
      },
      memberships: some.length > 0 ? some : states,
    };
    return { ...content, body: this.#people.exportOf(content) };
  }

  #statesOf(profile: number): readonly (TimedStatus & { readonly audience: number })[] {
    return this.#options.audiences.flatMap((_, audience) => {
      const state = this.#current.read(this.#slot(profile, audience));
      return state === undefined ? [] : [{ audience, ...state }];
    });
  }

  /**
   * Which identities are the person's by this choice: of the first of its namespaces in which the
   * person has any, the one that sorts first by code unit, or all. It follows from the person's own
   * state; the resolver of the product has no part in it.
   */
  #identitiesNow(profile: number, { stage }: PersonState, choice: IdentityChoice): readonly Identity[] {
    const all = this.#people.identitiesOf(profile, stage);
    for (const namespace of choice.namespaces) {
      const values = all[namespace] ?? [];
      const [first, ...others] = values;
      if (first === undefined) continue;
      const smallest = others.reduce((least, value) => (value < least ? value : least), first);
      return (choice.identities === 'all' ? values : [smallest]).map((value) => ({ namespace, value }));
    }
    return [];
  }

  #whole(end: number): number {
    return Math.floor(this.#random() * end);
  }

  #slot(profile: number, audience: number): number {
    return profile * this.#options.audiences.length + audience;
  }
}
