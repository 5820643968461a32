import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The key in the connection strings of Microsoft's documentation of its own emulator, which accepts
 * no other.
 */
export const sampleKey = 'SAS_KEY_VALUE';

/** What a key may be used for. `Manage` includes the other two. */
export type AccessRight = 'Send' | 'Listen' | 'Manage';

/** A shared access policy: a name, two keys of which both are valid, and what they allow. */
export interface SharedAccessKey {
  readonly name: string;
  readonly rights: readonly AccessRight[];
  /**
   * The Event Hub to which the key is confined; left out, the key is good for the whole namespace.
   */
  readonly eventHubName?: string;
  /** Random when left out. */
  readonly primaryKey?: string;
  /** Random when left out. */
  readonly secondaryKey?: string;
}

export type WhichKey = 'primary' | 'secondary';

interface KeyPair {
  readonly name: string;
  readonly rights: ReadonlySet<AccessRight>;
  readonly eventHubName: string | undefined;
  primary: string;
  secondary: string;
}

/** What a token proves: these rights, on the resource and all below it, until then. */
export interface Claim {
  /** Lower-case path segments; none for the whole namespace. */
  readonly path: readonly string[];
  readonly rights: ReadonlySet<AccessRight>;
  readonly expiresAtMs: number;
}

/** A token that is not accepted. The message says why and holds nothing secret. */
export class InvalidToken extends Error {
  override name = 'InvalidToken';
}

/** The keys of a namespace. */
export class SharedAccessKeys {
  readonly #keys: KeyPair[];

  /** Throws for two keys of the same name in the same place, and for a key without rights. */
  constructor(keys: readonly SharedAccessKey[]) {
    this.#keys = keys.map(({ name, rights, eventHubName, primaryKey, secondaryKey }) => {
      if (rights.length === 0) throw new RangeError(`Failed to add the key ${name}: it has no rights.`);
      return {
        name,
        rights: new Set<AccessRight>(rights.includes('Manage') ? ['Send', 'Listen', 'Manage'] : rights),
        eventHubName: eventHubName?.toLowerCase(),
        primary: primaryKey ?? randomKey(),
        secondary: secondaryKey ?? randomKey(),
      };
    });
    const places = this.#keys.map(({ name, eventHubName }) => `${eventHubName ?? ''}/${name}`);
    if (new Set(places).size < places.length) throw new RangeError('Failed to add the keys: a name is given twice.');
  }

  /**
   * The key of this name, or the first of all, that is good for the Event Hub: its own before the
   * namespace's. Throws when there is none.
   */
  key(
    name: string | undefined,
    eventHubName: string | undefined,
  ): { name: string; key: string; eventHubName?: string } {
    const pair = name === undefined ? this.#keys[0] : this.#find(name, eventHubName?.toLowerCase());
    if (pair === undefined) throw new RangeError(`Failed to find the key ${name ?? ''}: there is no such key.`);
    return {
      name: pair.name,
      key: pair.primary,
      ...(pair.eventHubName === undefined ? {} : { eventHubName: pair.eventHubName }),
    };
  }

  /**
   * Replaces the key by a new random one, which it returns. Tokens signed with the old one are no
   * longer accepted.
   */
  regenerate(name: string, which: WhichKey, eventHubName?: string): string {
    const pair = this.#find(name, eventHubName?.toLowerCase());
    if (pair === undefined) throw new RangeError(`Failed to regenerate the key ${name}: there is no such key.`);
    pair[which] = randomKey();
    return pair[which];
  }

  /**
   * Checks a token `SharedAccessSignature sr=…&sig=…&se=…&skn=…`. The signature is the base64 of
   * HMAC-SHA256(key, sr + newline + se), with `sr` as it stands in the token (Event Hubs
   * documentation, "Authenticate access to Event Hubs resources using shared access signatures").
   * `isThisHost` says whether a host and port are ours. Throws InvalidToken.
   */
  verify(token: string, nowMs: number, isThisHost: (host: string) => boolean): Claim {
    const fields = parseToken(token);
    const expiresAtMs = Number(fields.se) * 1000;
    const resource = parseResource(decode(fields.sr));
    const pair = this.#find(decode(fields.skn), resource.path[0]);
    const signed = `${fields.sr}\n${fields.se}`;
    const signature = decode(fields.sig);
    if (!pair || ![pair.primary, pair.secondary].some((key) => matches(signature, signed, key))) {
      throw new InvalidToken(invalidSignature(matches(signature, signed, sampleKey)));
    }
    if (!isThisHost(resource.host)) {
      throw new InvalidToken('InvalidAudience: The token is for another namespace.');
    }
    if (!(expiresAtMs > nowMs)) throw expired(expiresAtMs);
    return { path: resource.path, rights: pair.rights, expiresAtMs };
  }

  /**
   * The rights of a policy for who knows its name and one of its keys; they do not expire.
   * Undefined when the key is wrong.
   */
  verifyKey(name: string, key: string): Claim | undefined {
    const pair = this.#keys.find(
      (candidate) => candidate.name === name && [candidate.primary, candidate.secondary].includes(key),
    );
    return (
      pair && {
        path: pair.eventHubName === undefined ? [] : [pair.eventHubName],
        rights: pair.rights,
        expiresAtMs: Number.POSITIVE_INFINITY,
      }
    );
  }

  #find(name: string, eventHubName: string | undefined): KeyPair | undefined {
    const named = this.#keys.filter((key) => key.name === name);
    return (
      named.find((key) => key.eventHubName !== undefined && key.eventHubName === eventHubName) ??
      named.find((key) => key.eventHubName === undefined)
    );
  }
}

/**
 * The service's own words, by which the test of an SDK knows it (azeventhubs 2.0.2,
 * `TestClientsUnauthorizedCreds`).
 */
export function expired(expiresAtMs: number): InvalidToken {
  const time = new Date(expiresAtMs).toISOString();
  return new InvalidToken(`ExpiredToken: The token is expired. Expiration time: ${time}.`);
}

function invalidSignature(isSampleKey: boolean): string {
  return (
    'InvalidSignature: The token has an invalid signature. ' +
    (isSampleKey ? `It is signed with the sample key '${sampleKey}' of the documentation. ` : '') +
    'Use the connection string that the emulator gives, or start the emulator with the key that you use.'
  );
}

/**
 * The host, with its port when there is one, and the lower-case path of a resource such as
 * `sb://host:1/hub`; the scheme may be left out.
 */
export function parseResource(resource: string): { host: string; path: string[] } {
  const { host = '', path = '' } = /^(?:[a-z]+:\/\/)?(?<host>[^/]*)\/?(?<path>.*)$/i.exec(resource)?.groups ?? {};
  if (host === '') throw new InvalidToken('InvalidAudience: The resource of the token names no host.');
  return { host: host.toLowerCase(), path: pathSegments(path) };
}

export function pathSegments(path: string): string[] {
  return path
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
}

function randomKey(): string {
  return randomBytes(32).toString('base64');
}

function parseToken(token: string): { sr: string; sig: string; se: string; skn: string } {
  const [scheme, query, ...more] = token.split(' ');
  const fields = new Map((query ?? '').split('&').map((field) => splitOnce(field)));
  const [sr, sig, se, skn] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (scheme !== 'SharedAccessSignature' || more.length > 0 || !sr || !sig || !se || !skn || !/^\d+$/.test(se)) {
    throw new InvalidToken('MalformedToken: The token is not a shared access signature.');
  }
  return { sr, sig, se, skn };
}

function splitOnce(field: string): [string, string] {
  const at = field.indexOf('=');
  return at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidToken('MalformedToken: The token is not URL-encoded.');
  }
}

function matches(signature: string, signed: string, key: string): boolean {
  const expected = createHmac('sha256', key).update(signed).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
