import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from './refusal.ts';

export interface ImsSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly lifetimeMs: number;
  readonly now: () => number;
}

/** Adobe's identity service: gives tokens for client credentials, and knows which are good. */
export class ImsTokens {
  readonly #settings: ImsSettings;
  readonly #expiresAt = new Map<string, number>();
  given = 0;

  constructor(settings: ImsSettings) {
    this.#settings = settings;
  }

  /** `form` is the body of the request, form-encoded. */
  give(form: string): Record<string, unknown> {
    const fields = new URLSearchParams(form);
    const refuse = (error: string, error_description: string) => new Refusal(400, { error, error_description });
    if (fields.get('grant_type') !== 'client_credentials')
      throw refuse('unsupported_grant_type', 'grant type is not supported');
    if (fields.get('client_id') !== this.#settings.clientId)
      throw refuse('invalid_client', 'invalid client_id parameter');
    if (fields.get('client_secret') !== this.#settings.clientSecret) {
      throw refuse('invalid_client', 'invalid client_secret parameter');
    }
    if (fields.get('scope')?.includes('openid') !== true) throw refuse('invalid_scope', 'invalid scope parameter');
    const { now, lifetimeMs } = this.#settings;
    const access_token = `local-${randomUUID()}`;
    this.#expiresAt.set(access_token, now() + lifetimeMs);
    this.given++;
    return { access_token, token_type: 'bearer', expires_in: Math.floor(lifetimeMs / 1000) };
  }

  revoke(): void {
    this.#expiresAt.clear();
  }

  /** Throws a refusal unless the headers are those of a known client with a good token. */
  check(headers: IncomingHttpHeaders, organisation: string): void {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const expiresAt = this.#expiresAt.get(token);
    if (expiresAt === undefined || expiresAt <= this.#settings.now()) {
      this.#expiresAt.delete(token);
      throw new Refusal(401, { error_code: '401013', message: 'Oauth token is not valid' });
    }
    if (headers['x-api-key'] !== this.#settings.clientId) {
      throw new Refusal(403, { error_code: '403003', message: 'Api Key is invalid' });
    }
    if (headers['x-gw-ims-org-id'] !== organisation) {
      throw new Refusal(403, { error_code: '403025', message: 'Profile is not valid for this organization' });
    }
  }
}
