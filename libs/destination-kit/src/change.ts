import type { JsonValue } from '@activation-hub/audience-events';

/**
 * What one route means for one identity: the person became a member, stayed one with other
 * attributes, or left.
 */
export type ChangeKind = 'entered' | 'updated' | 'exited';

/**
 * One thing that one destination must be told. It is complete: a connector needs nothing else to
 * say it.
 */
export interface Change {
  /**
   * The same for every attempt at the same state of the same identity in the same audience at the
   * same destination, and different for any other: the idempotency key towards the third party. At
   * most 64 characters of `[A-Za-z0-9_-]`.
   */
  readonly id: string;
  readonly kind: ChangeKind;
  readonly audience: {
    /** Name of the audience in the activation file. */
    readonly key: string;
    /** AEP's namespace of the audience id; `ups` for AEP's own. */
    readonly namespace: string;
    readonly id: string;
    /** Display name, where the export carried one. */
    readonly name?: string;
  };
  /**
   * The identity in the form in which the destination gets it. `namespace` is lower case, as AEP
   * writes it.
   */
  readonly identity: { readonly namespace: string; readonly value: string };
  /** AEP's `lastQualificationTime`, as ISO 8601 in UTC with milliseconds. */
  readonly qualifiedAt: string;
  /** The mapped attributes that the profile has, under the names that the route gives them. */
  readonly attributes: Readonly<Record<string, JsonValue>>;
  /**
   * The attributes that the destination took last, where they are known and other than
   * `attributes`: for a vendor that must be told to drop an earlier value, such as a former e-mail
   * address. Absent for a new person, and for an exit.
   */
  readonly previousAttributes?: Readonly<Record<string, JsonValue>>;
  /**
   * The destination may have taken another state since `previousAttributes`, for an earlier telling
   * was left without an answer: what is the same as then must be told again.
   */
  readonly isInDoubt?: true;
}
