import { createHash } from 'node:crypto';
import { digits, hexDigits, randomUuid } from './random.ts';
import type { Random } from './random.ts';

/** What the identities of one person are derived from. */
export interface Person {
  readonly email: string;
  /** With `+` and country code. */
  readonly phone: string;
}

/**
 * AEP's standard identity namespaces by code, and how an id in each looks. Exports carry the codes
 * in lower case. Hashes are those of the person's own address and number. Source: Adobe, *Identity
 * namespaces*, "Standard namespaces".
 */
const standardIds = {
  CORE: (_person, random) => digits(random, 38),
  ECID: (_person, random) => digits(random, 38),
  Email: ({ email }) => email,
  Phone: ({ phone }) => phone,
  WAID: (_person, random) => hexDigits(random, 32),
  TNTID: (_person, random) => `${hexDigits(random, 32)}.${digits(random, 2)}_0`,
  AAID: (_person, random) => `${hexDigits(random, 16)}-${hexDigits(random, 16)}`.toUpperCase(),
  Email_LC_SHA256: ({ email }) => sha256(email.trim().toLowerCase()),
  AAMSegments: (_person, random) => digits(random, 7),
  AAMTraits: (_person, random) => digits(random, 8),
  Phone_SHA256: ({ phone }) => sha256(phone.replace(/\D/g, '')),
  AEPSegments: (_person, random) => randomUuid(random),
  'Phone_E.164': ({ phone }) => phone,
  'Phone_SHA256_E.164': ({ phone }) => sha256(phone),
  AdCloud: (_person, random) => digits(random, 19),
  GAID: (_person, random) => randomUuid(random),
  IDFA: (_person, random) => randomUuid(random).toUpperCase(),
  FCM: (_person, random) => `${hexDigits(random, 22)}:${hexDigits(random, 64)}`,
  APNS: (_person, random) => hexDigits(random, 64),
} as const satisfies Record<string, (person: Person, random: Random) => string>;

export type StandardNamespace = keyof typeof standardIds;
export const standardNamespaces = Object.keys(standardIds) as readonly StandardNamespace[];

/**
 * One identity of the person in each of the namespaces, under lower-case keys as AEP exports them.
 */
export function buildIdentities(
  person: Person,
  namespaces: readonly StandardNamespace[],
  random: Random,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    namespaces.map((namespace) => [namespace.toLowerCase(), [standardIds[namespace](person, random)]]),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
