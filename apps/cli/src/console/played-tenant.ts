import type { ActivationFile } from '@activation-hub/activation-file';
import type { Play, PlayedPerson, PlayedTenant } from '@activation-hub/console-contract';
import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import { tenantOptions } from '../activation-file/activations.ts';
import type { TenantOptions } from '../traffic/tenant-options.ts';
import type { TimedStatus } from '../traffic/timed-status.ts';
import { anonymousStage, knownStage, peopleOf, withAnotherEmail, type PersonState } from '../traffic/tenant-people.ts';
import { ApiError } from './answers.ts';

/** Few enough to be seen at once. */
const peopleCount = 6;
/** Far from the people of the simulator, who have numbers from 0. */
const firstProfile = 1_000_000;
const profilesTried = 400;
const seed = 20_260_131;

interface Person {
  readonly profile: number;
  state: PersonState;
  /** By index of the audience. */
  readonly memberships: Map<number, TimedStatus>;
  lastMs: number;
}

/** People who do what one tells them, and whose exports AEP would send then. */
export class Tenant {
  readonly #options: TenantOptions;
  readonly #keys: readonly string[];
  readonly #of: ReturnType<typeof peopleOf>;
  readonly #people: readonly Person[];
  readonly #now: () => number;

  constructor(file: ActivationFile, now: () => number) {
    this.#options = tenantOptions(file, { seed, profiles: peopleCount });
    this.#keys = [...file.audiences.keys()];
    this.#of = peopleOf(this.#options);
    this.#now = now;
    this.#people = this.#profiles().map((profile, index) => ({
      profile,
      // Some have never logged in.
      state: { stage: index < peopleCount - 2 ? knownStage : anonymousStage, version: 0, withdrawn: false },
      memberships: new Map(),
      lastMs: 0,
    }));
  }

  describe(): PlayedTenant {
    return {
      people: this.#people.map((person, number) => this.#described(person, number)),
      asksConsent: this.#options.consents.length > 0,
    };
  }

  /**
   * Lets a person do something, and gives the body of the export that follows. Throws `ApiError`.
   */
  play(number: number, play: Play): Buffer {
    const person = this.#people[number];
    if (person === undefined) throw new ApiError(404, 'There is no such person.');
    // Two things that happen at once still happen one after the other.
    const atMs = Math.max(this.#now(), person.lastMs + 1);
    person.lastMs = atMs;
    this.#do(person, play, atMs);
    if (person.memberships.size === 0) {
      throw new ApiError(
        422,
        'AEP does not export a person who was in no audience yet: let the person enter one first.',
      );
    }
    const memberships = [...person.memberships].map(([audience, membership]) => ({ audience, ...membership }));
    return Buffer.from(
      encodeProfileExport(this.#of.exportOf({ profile: person.profile, person: person.state, memberships })),
    );
  }

  #do(person: Person, play: Play, qualifiedAtMs: number): void {
    const { state } = person;
    switch (play.does) {
      case 'enter':
      case 'leave': {
        const audience = this.#keys.indexOf(play.audience);
        if (audience < 0) throw new ApiError(422, 'The activation file has no such audience.');
        person.memberships.set(audience, { status: play.does === 'enter' ? 'realized' : 'exited', qualifiedAtMs });
        return;
      }
      case 'log-in':
        person.state = { ...state, stage: knownStage };
        return;
      case 'change-email':
        person.state = { ...state, stage: withAnotherEmail(state.stage) };
        return;
      case 'change-attributes':
        person.state = { ...state, version: state.version + 1 };
        return;
      case 'withdraw-consent':
        person.state = { ...state, withdrawn: true };
        return;
      case 'give-consent':
        person.state = { ...state, withdrawn: false };
        return;
    }
  }

  #described({ profile, state, memberships }: Person, number: number): PlayedPerson {
    const isKnown = state.stage !== anonymousStage;
    const email = this.#of.emailOf(profile, state.stage);
    return {
      number,
      name: nameIn(email),
      isKnown,
      email: isKnown ? email : '',
      hasConsent: !state.withdrawn,
      audiences: [...memberships].flatMap(([audience, { status }]) =>
        status === 'realized' ? [this.#keys[audience] ?? ''] : [],
      ),
    };
  }

  /** Those who have an identity in every namespace, as far as there are such. */
  #profiles(): readonly number[] {
    const tried = Array.from({ length: profilesTried }, (_, index) => firstProfile + index);
    const { namespaces } = this.#options;
    const hasAll = (profile: number): boolean => {
      const identities = this.#of.identitiesOf(profile, knownStage);
      return namespaces.every((namespace) => (identities[namespace]?.length ?? 0) > 0);
    };
    const whole = tried.filter(hasAll);
    return [...whole, ...tried].slice(0, peopleCount);
  }
}

/** `ada.lovelace.7@example.com` is Ada Lovelace. */
function nameIn(email: string): string {
  const words = (email.split('@')[0] ?? '').split('.').filter((word) => !/\d/.test(word));
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ');
}
