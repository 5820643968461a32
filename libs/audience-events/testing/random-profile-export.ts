import type { JsonObject, JsonValue } from '../src/profile-export.ts';
import { buildProfileExport } from './build-profile-export.ts';
import type { MembershipContent } from './build-profile-export.ts';
import { buildIdentities } from './identities.ts';
import type { Person, StandardNamespace } from './identities.ts';
import { digits, pick, randomUuid, wholeNumber } from './random.ts';
import type { Random } from './random.ts';

/** Someone who does not exist: the address is in a domain reserved for examples. */
export interface RandomPerson extends Person {
  readonly attributes: Readonly<Record<string, JsonValue>>;
}

const firstNames = ['Ada', 'Zoë', 'Linus', 'Grace', 'Jürgen', 'Noor', 'Paulo', 'Mei', 'Olga', 'Sven'];
const lastNames = ['Byron', 'Hopper', 'Müller', 'García', 'Nakamura', 'Okafor', 'Lindqvist', 'Rossi', 'Novak', 'Smith'];
const homes = [
  { city: 'London', countryCode: 'GB' },
  { city: 'Zürich', countryCode: 'CH' },
  { city: 'Lyon', countryCode: 'FR' },
  { city: 'Austin', countryCode: 'US' },
];
const dayMs = 86_400_000;

/** A person with the attributes that dataflows commonly map, consent to e-mail among them. */
export function randomPerson(random: Random): RandomPerson {
  const firstName = pick(random, firstNames);
  const lastName = pick(random, lastNames);
  const home = pick(random, homes);
  const email = `${asciiOf(firstName)}.${asciiOf(lastName)}.${digits(random, 6)}@example.com`;
  const phone = `+1555${digits(random, 7)}`;
  return {
    email,
    phone,
    attributes: {
      'person.name.firstName': firstName,
      'person.name.lastName': lastName,
      'person.birthDate': `${1940 + wholeNumber(random, 65)}-0${1 + wholeNumber(random, 9)}-${10 + wholeNumber(random, 18)}`,
      'personalEmail.address': email,
      'homeAddress.city': home.city,
      'homeAddress.countryCode': home.countryCode,
      'consents.marketing.email.val': random() < 0.9 ? 'y' : 'n',
    },
  };
}

/**
 * The export that capacity is reckoned with: about 1.5 KB, 5 audiences with names and timestamps, 4
 * identities, 7 attributes.
 */
export function typicalProfileExport(random: Random, nowMs: number): JsonObject {
  const person = randomPerson(random);
  return buildProfileExport({
    attributes: person.attributes,
    memberships: randomMemberships(random, 5, nowMs),
    identities: identitiesOf(person, random),
    includeNames: true,
    includeTimestamps: true,
  });
}

/**
 * As many audiences as Adobe lets one destination have (250), toggles off, 4 identities, 7
 * attributes: 20 to 30 KB.
 */
export function largeProfileExport(random: Random, nowMs: number): JsonObject {
  const person = randomPerson(random);
  return buildProfileExport({
    attributes: person.attributes,
    memberships: randomMemberships(random, 250, nowMs),
    identities: identitiesOf(person, random),
  });
}

/** Memberships of AEP's own audiences from the last 30 days; one in five has ended. */
export function randomMemberships(random: Random, count: number, nowMs: number): readonly MembershipContent[] {
  return Array.from({ length: count }, (_, index) => ({
    audienceId: randomUuid(random),
    status: random() < 0.2 ? 'exited' : 'realized',
    qualifiedAtMs: nowMs - wholeNumber(random, 30 * dayMs),
    name: `Interest in plan ${index + 1}`,
    createdAtMs: nowMs - 365 * dayMs + wholeNumber(random, 300 * dayMs),
  }));
}

function identitiesOf(person: Person, random: Random): Readonly<Record<string, readonly string[]>> {
  const namespaces: readonly StandardNamespace[] = ['ECID', 'Email', 'Email_LC_SHA256'];
  return { ...buildIdentities(person, namespaces, random), crmid: [`CRM-${digits(random, 8)}`] };
}

function asciiOf(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[^a-z]/gi, '')
    .toLowerCase();
}
