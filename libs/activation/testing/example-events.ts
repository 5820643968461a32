import type { JsonObject, JsonValue } from '@activation-hub/audience-events';
import {
  buildProfileExport,
  encodeProfileExport,
  type MembershipContent,
} from '@activation-hub/audience-events/testing';
import type { LedgerKey } from '@activation-hub/membership';
import type { ReceivedEvent } from '../src/index.ts';

export const fansId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
export const travellersId = '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c';

/** When the examples happen: 2026-01-15 at noon. */
export const noonMs = Date.UTC(2026, 0, 15, 12);
/** An audience without a route, which is in every example. */
export const riderAlongId = 'ffffffff-0000-4000-8000-000000000001';

/** One person in one audience, a member of the fans since noon unless told otherwise. */
export interface PersonContent {
  readonly person?: string;
  readonly audienceId?: string;
  readonly status?: MembershipContent['status'];
  /** Seconds after noon. */
  readonly at?: number;
  readonly firstName?: string;
  /** The consent to e-mail; `y` by default, `null` leaves it out. */
  readonly consent?: JsonValue;
  readonly identities?: Readonly<Record<string, readonly string[]>>;
}

/**
 * An export as AEP sends it: the person's membership, and one of an audience without a route.
 */
export function personExport(content: PersonContent = {}): JsonObject {
  const { person = 'p1', audienceId = fansId, status = 'realized', at = 0, firstName = 'Ada', consent = 'y' } = content;
  return buildProfileExport({
    attributes: {
      'person.name.firstName': firstName,
      ...(consent === null ? {} : { 'consents.marketing.email.val': consent }),
    },
    memberships: [
      { audienceId, status, qualifiedAtMs: noonMs + at * 1_000 },
      { audienceId: riderAlongId, qualifiedAtMs: noonMs },
    ],
    identities: content.identities ?? {
      ecid: ['14575006536349286404619648085736425115'],
      crmid: [person],
      email: [`${person}@example.com`],
    },
  });
}

/**
 * The event with these exports; it is the `sequenceNumber`th of its partition, and arrived as many
 * seconds after noon.
 */
export function eventOf(
  exports: JsonObject | readonly JsonObject[],
  sequenceNumber = 0,
  over: Partial<ReceivedEvent> = {},
): ReceivedEvent {
  return {
    body: encodeProfileExport(exports),
    partitionId: '0',
    sequenceNumber,
    enqueuedAtMs: noonMs + sequenceNumber * 1_000,
    ...over,
  };
}

/** The ledger's key of a person among the fans at `crm`. */
export function fansKey(person = 'p1'): LedgerKey {
  return {
    destination: 'crm',
    identity: { namespace: 'crmid', value: person },
    audience: { namespace: 'ups', id: fansId },
  };
}
