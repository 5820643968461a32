import type { ObservedAttempt, ObservedExchange } from '@activation-hub/activation';
import type { ChangeAttempt, Exchange } from '@activation-hub/console-contract';
import { shownRequest } from '../activation-file/shown-request.ts';

/** So much of a request or an answer is kept. */
const textMax = 64 * 1024;

/** An attempt without its secrets, as it may be shown and kept. */
export interface KeptAttempt extends Omit<ChangeAttempt, 'kind' | 'verdict' | 'reason'> {
  readonly destination: string;
  /** By change id. */
  readonly verdicts: ReadonlyMap<string, Pick<ChangeAttempt, 'kind' | 'verdict' | 'reason'>>;
  /** How much it takes, about. */
  readonly characters: number;
}

/** Takes the secrets out of an attempt, and what is too long to be kept. */
export function keptAttempt(
  { destination, atMs, durationMs, changes, exchanges }: ObservedAttempt,
  secrets: readonly string[],
): KeptAttempt {
  const shown = exchanges.map((exchange) => shownExchange(exchange, secrets));
  return {
    destination,
    atMs,
    durationMs,
    changes: changes.length,
    exchanges: shown,
    verdicts: new Map(changes.map(({ id, kind, verdict, reason }) => [id, said({ kind, verdict, reason })])),
    characters: shown.reduce((sum, { body, answer }) => sum + body.length + (answer?.body.length ?? 0) + 500, 0),
  };
}

function said(of: {
  readonly kind: string;
  readonly verdict: string;
  readonly reason: string | undefined;
}): Pick<ChangeAttempt, 'kind' | 'verdict' | 'reason'> {
  const { kind, verdict, reason } = of;
  return reason === undefined ? { kind, verdict } : { kind, verdict, reason };
}

function shownExchange(
  { request, response, failure, durationMs }: ObservedExchange,
  secrets: readonly string[],
): Exchange {
  const { method, url, headers, body = '' } = shownRequest(request, { addresses: [], secrets });
  return {
    method,
    url,
    headers,
    body: cut(body),
    durationMs,
    ...(response === undefined
      ? {}
      : {
          answer: {
            status: response.status,
            headers: shownHeaders(response.headers),
            body: cut(
              withoutTokens(secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), response.body)),
            ),
          },
        }),
    ...(failure === undefined ? {} : { failure }),
  };
}

function shownHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, /cookie|token|secret|auth/i.test(name) ? '[secret]' : value]),
  );
}

/** What a vendor signs in with is in the answers that give it. */
function withoutTokens(body: string): string {
  return body.replaceAll(/("[\w-]*(?:token|secret|password)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi, '$1"[secret]"');
}

function cut(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax)}\n… ${text.length - textMax} more characters`;
}
