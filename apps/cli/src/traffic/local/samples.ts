import type { Play } from '@activation-hub/console-contract';
import type { Tenant } from '../../console/played-tenant.ts';

export interface Sample {
  /** The body of the export that AEP would send. */
  readonly body: Buffer;
  /** What happens, such as `Ada Lovelace enters sports-fans`. */
  readonly words: string;
}

/** Made-up people who enter and leave the audiences of the file, one after the other. */
export class Samples {
  readonly #tenant: Tenant;
  readonly #audiences: readonly string[];
  #next = 0;

  constructor(tenant: Tenant, audiences: readonly string[]) {
    this.#tenant = tenant;
    this.#audiences = audiences;
  }

  /** The next of them enters an audience, or leaves it who is in it. */
  next(): Sample {
    const { people } = this.#tenant.describe();
    const number = this.#next % people.length;
    const audience = this.#audiences[Math.floor(this.#next / people.length) % this.#audiences.length] ?? '';
    this.#next += 1;
    const person = people[number];
    const play: Play = { does: person?.audiences.includes(audience) ? 'leave' : 'enter', audience };
    const who = person?.isKnown ? person.name : 'A visitor who has never logged in';
    return {
      body: this.#tenant.play(number, play),
      words: `${who} ${play.does === 'enter' ? 'enters' : 'leaves'} ${audience}`,
    };
  }
}
