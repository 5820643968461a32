import type { ActivationFile } from '@activation-hub/activation-file';
import type { Clock, Target } from '@activation-hub/delivery';
import type { HttpClient, HttpRequest } from '@activation-hub/destination-kit';
import { setUpTarget } from '@activation-hub/destinations';
import { reasonOf } from './command-error.ts';

/** A request that a destination would get; every secret in it is shown as `[secret]`. */
export interface RecordedRequest extends HttpRequest {
  readonly destination: string;
}

export interface DryRunTargets {
  readonly targets: ReadonlyMap<string, Target>;
  /** What was sent to nobody so far, in order. */
  readonly requests: readonly RecordedRequest[];
  /** Lines that destinations would print. */
  readonly printed: readonly { readonly destination: string; readonly line: string }[];
  /** Destinations whose requests cannot be shown, with the reason. */
  readonly notShown: readonly { readonly destination: string; readonly reason: string }[];
}

/** Headers that are made out of secrets. */
const secretHeader = /authorization|signature|token|secret|api-?key/i;
const shown = '[secret]';

/**
 * Targets that record requests instead of sending them: every request is answered with an empty 200. No secret is
 * needed: a stand-in takes its place.
 */
export async function dryRunTargets(file: ActivationFile, clock: Clock): Promise<DryRunTargets> {
  const targets = new Map<string, Target>();
  const requests: RecordedRequest[] = [];
  const printed: { destination: string; line: string }[] = [];
  const notShown: { destination: string; reason: string }[] = [];
  for (const entry of file.destinations.values()) {
    const { key } = entry;
    try {
      const target = await setUpTarget(entry, {
        http: recordingClient((request) => requests.push({ destination: key, ...redacted(request) })),
        clock,
        print: (line) => void printed.push({ destination: key, line }),
        readSecret: () => Promise.resolve(shown),
      });
      targets.set(key, target);
    } catch (error) {
      notShown.push({ destination: key, reason: reasonOf(error) });
    }
  }
  return { targets, requests, printed, notShown };
}

function recordingClient(record: (request: HttpRequest) => void): HttpClient {
  return {
    check: () => undefined,
    send: (request) => {
      record(request);
      return Promise.resolve({ status: 200, headers: {}, body: '' });
    },
    close: () => Promise.resolve(),
  };
}

function redacted(request: HttpRequest): HttpRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    secretHeader.test(name) ? shown : value,
  ]);
  return { ...request, headers: Object.fromEntries(headers) as Record<string, string> };
}
