import {
  buildProfileExport,
  encodeProfileExport,
  randomPerson,
  randomUuid,
  seededRandom,
} from '@activation-hub/audience-events/testing';

/** An export of which a receiver can tell when it arrived. */
export interface BenchExport {
  /** The identity under which the receiver is told. */
  readonly person: string;
  readonly body: Uint8Array;
}

export interface BenchAudience {
  readonly key: string;
  readonly id: string;
}

/** The exports of people, the same for the same seed. Each is about 1.5 KB, as AEP writes it. */
export class ExportSource {
  readonly #random;
  readonly #prefix: string;
  readonly #before: BenchExport[] = [];
  #people = 0;

  /** Two sources of different prefixes have no person in common. */
  constructor(seed: number, prefix: string) {
    this.#random = seededRandom(seed);
    this.#prefix = prefix;
  }

  /** A new person enters an audience at `qualifiedAtMs`. */
  entry({ id }: BenchAudience, qualifiedAtMs: number): BenchExport {
    this.#people += 1;
    const person = `${this.#prefix}-${this.#people}`;
    // What else the person is in rides along.
    const others = [1, 2, 3].map((days) => ({
      audienceId: randomUuid(this.#random),
      qualifiedAtMs: qualifiedAtMs - days * 86_400_000,
    }));
    const body = encodeProfileExport(
      buildProfileExport({
        attributes: randomPerson(this.#random).attributes,
        memberships: [{ audienceId: id, qualifiedAtMs }, ...others],
        identities: { crmid: [person], email: [`${person}@example.com`] },
        includeNames: true,
        includeTimestamps: true,
      }),
    );
    const made = { person, body };
    this.#before.push(made);
    return made;
  }

  /**
   * One of the exports that this source has given, again: it changes nothing. Throws when there has
   * been none.
   */
  again(): BenchExport {
    const found = this.#before[Math.floor(this.#random() * this.#before.length)];
    if (found === undefined) throw new Error('Failed to repeat an export: there has been none.');
    return found;
  }
}
