import { expired, InvalidToken, type AccessRight, type Claim } from './shared-access-signature.ts';

/** What the owner of a token may do on the namespace; none for an owner without rights. */
export type EntraRights = (claims: Readonly<Record<string, unknown>>) => readonly AccessRight[];

/**
 * What a token of Microsoft Entra ID proves: rights on the whole namespace, as a role that is
 * assigned there gives them, until the token expires. Its signature is not checked: `rightsOf`, an
 * option of the emulator, decides which owners have rights. Throws InvalidToken.
 */
export function verifyEntraToken(token: string, nowMs: number, rightsOf: EntraRights): Claim {
  const claims = claimsOf(token);
  const { exp } = claims;
  if (typeof exp !== 'number') throw new InvalidToken('InvalidToken: The token says not when it expires.');
  const expiresAtMs = exp * 1_000;
  if (expiresAtMs <= nowMs) throw expired(expiresAtMs);
  const rights = rightsOf(claims);
  return { path: [], rights: new Set(rights.includes('Manage') ? ['Send', 'Listen', 'Manage'] : rights), expiresAtMs };
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as unknown;
    if (typeof claims === 'object' && claims !== null) return claims as Readonly<Record<string, unknown>>;
  } catch {
    // Said below: what is no JSON is no token either.
  }
  throw new InvalidToken('InvalidToken: The token is no JSON web token.');
}
