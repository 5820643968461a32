import { failures, type AmqpFailure } from './amqp-failure.ts';
import { verifyEntraToken, type EntraRights } from './entra-token.ts';
import {
  InvalidToken,
  parseResource,
  type AccessRight,
  type Claim,
  type SharedAccessKeys,
} from './shared-access-signature.ts';

/** A request to the node `$cbs` or `$management`. */
export interface NodeRequest {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Its answer. */
export type NodeReply =
  | { readonly status: number; readonly description: string; readonly body?: unknown }
  | { readonly status: number; readonly failure: AmqpFailure };

/** What one connection has proved that it may do. */
export class ConnectionClaims {
  readonly #now: () => number;
  #claims: Claim[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  grant(claim: Claim): void {
    const now = this.#now();
    this.#claims = this.#claims.filter(
      ({ path, expiresAtMs }) => expiresAtMs > now && path.join('/') !== claim.path.join('/'),
    );
    this.#claims.push(claim);
  }

  /**
   * Whether a token that is still good gives one of these rights on the resource with these
   * lower-case segments.
   */
  allow(rights: readonly AccessRight[], path: readonly string[]): boolean {
    const now = this.#now();
    return this.#claims.some((claim) => covers(claim, path, rights) && claim.expiresAtMs > now);
  }
}

/** Whether the claim gives one of these rights on the resource with these lower-case segments. */
export function covers(claim: Claim, path: readonly string[], rights: readonly AccessRight[]): boolean {
  return startsWith(path, claim.path) && rights.some((right) => claim.rights.has(right));
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((segment, index) => path[index] === segment);
}

export interface TokenVerifier {
  readonly keys: SharedAccessKeys;
  /** Undefined where tokens of Microsoft Entra ID are not taken. */
  readonly entraRights?: EntraRights | undefined;
  readonly now: () => number;
  readonly isThisHost: (host: string) => boolean;
}

/** What the token proves. Throws InvalidToken. */
export function verifyToken(token: string, { keys, entraRights, now, isThisHost }: TokenVerifier): Claim {
  const isSignature = token.startsWith('SharedAccessSignature ');
  if (entraRights !== undefined && !isSignature) return verifyEntraToken(token, now(), entraRights);
  return keys.verify(token, now(), isThisHost);
}

const sasTokenType = 'servicebus.windows.net:sastoken';
const entraTokenType = 'jwt';

/** Answers a put-token request: 202 and a claim granted, or why not. */
export function putToken(request: NodeRequest, verifier: TokenVerifier, claims: ConnectionClaims): NodeReply {
  const { operation, type, name } = request.properties;
  if (operation !== 'put-token') {
    return { status: 501, failure: failures.notImplemented('this operation of $cbs; use put-token') };
  }
  if (type !== sasTokenType && !(type === entraTokenType && verifier.entraRights !== undefined)) {
    const given = typeof type === 'string' ? type.slice(0, 50) : 'none';
    return {
      status: 501,
      failure: failures.notImplemented(
        `tokens of type '${given}' (Microsoft Entra ID included). Use a connection string with a shared access key, or start it with entraRights`,
      ),
    };
  }
  if (typeof request.body !== 'string' || typeof name !== 'string') {
    return { status: 400, failure: failures.invalidArgument('The token or the name of the resource is missing.') };
  }
  try {
    const claim = verifyToken(request.body, verifier);
    const audience = parseResource(name);
    if (!verifier.isThisHost(audience.host) || !startsWith(audience.path, claim.path)) {
      throw new InvalidToken('InvalidAudience: The token does not cover the resource.');
    }
    claims.grant({ ...claim, path: audience.path });
    return { status: 202, description: 'Accepted' };
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error;
    return { status: 401, failure: { condition: 'amqp:unauthorized-access', description: error.message } };
  }
}
