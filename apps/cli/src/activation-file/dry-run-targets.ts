import type { ActivationFile, DestinationEntry } from '@activation-hub/activation-file';
import type { Clock, Target } from '@activation-hub/delivery';
import { createHttpClient, type HttpClient, type HttpRequest, Secret } from '@activation-hub/destination-kit';
import type { LocalVendor } from '@activation-hub/destination-kit/testing';
import { loadDestination, setUpTarget } from '@activation-hub/destinations';
import { reasonOf } from '../terminal/command-error.ts';
import { shownRequest, type Shown } from './shown-request.ts';
import { startStandIn, withStandIn } from './stand-ins.ts';

/** A request that a destination would get; every secret in it is shown as `[secret]`. */
export interface RecordedRequest extends HttpRequest {
  readonly destination: string;
}

export interface DryRunTargets {
  readonly targets: ReadonlyMap<string, Target>;
  /** What was sent to stand-ins so far, in order, with the URLs of the file. */
  readonly requests: readonly RecordedRequest[];
  /** Lines that destinations would print. */
  readonly printed: readonly { readonly destination: string; readonly line: string }[];
  /** Destinations whose requests cannot be shown, with the reason. */
  readonly notShown: readonly { readonly destination: string; readonly reason: string }[];
  close(): Promise<void>;
}

/** What stands for a secret that may be any text. */
const anySecret = '[secret]';

/**
 * Targets that send to local stand-ins of their vendors, which answer as the vendors do, and record
 * each request as the vendor would get it. No other server gets a request, and no secret is needed.
 */
export async function dryRunTargets(file: ActivationFile, clock: Clock): Promise<DryRunTargets> {
  const targets = new Map<string, Target>();
  const requests: RecordedRequest[] = [];
  const printed: { destination: string; line: string }[] = [];
  const notShown: { destination: string; reason: string }[] = [];
  const http = createHttpClient({ allowPrivateAddresses: true });
  const vendors: LocalVendor[] = [];
  for (const entry of file.destinations.values()) {
    const { key } = entry;
    try {
      const vendor = await startStandIn(entry, file);
      if (vendor !== undefined) vendors.push(vendor);
      const { settings, secrets } = withStandIn(entry, vendor);
      const shown = await shownOf(entry, vendor, [...secrets.values()]);
      const record = (request: HttpRequest) => {
        requests.push({ destination: key, ...shownRequest(request, shown) });
      };
      const target = await setUpTarget(
        { ...entry, settings },
        {
          http: recordingClient(http, record),
          record,
          clock,
          print: (line) => void printed.push({ destination: key, line }),
          readSecret: (name) => Promise.resolve(secrets.get(name) ?? anySecret),
        },
      );
      targets.set(key, target);
    } catch (error) {
      notShown.push({ destination: key, reason: reasonOf(error) });
    }
  }
  const close = async () => {
    await http.close();
    await Promise.all(vendors.map((vendor) => vendor.close()));
  };
  return { targets, requests, printed, notShown, close };
}

/** What in a request must be shown otherwise: the addresses of the stand-in, and secrets. */
async function shownOf(
  { type, settings }: DestinationEntry,
  vendor: LocalVendor | undefined,
  secrets: readonly string[],
): Promise<Shown> {
  const definition = await loadDestination(type);
  const configured = definition?.settings.parse(settings) as Readonly<Record<string, unknown>> | undefined;
  const addresses = addressesIn(vendor?.settings, configured);
  return { addresses, secrets: [...secrets, anySecret] };
}

/** The URLs of the stand-in with those of the file in the same places. */
function addressesIn(local: unknown, own: unknown): Shown['addresses'] {
  if (typeof local === 'string') {
    if (own instanceof Secret) return [{ local, own: anySecret }];
    return typeof own === 'string' && local !== own && /^https?:/.test(local) ? [sameEndCut(local, own)] : [];
  }
  if (typeof local !== 'object' || local === null || typeof own !== 'object' || own === null) return [];
  return Object.entries(local).flatMap(([name, value]) => addressesIn(value, (own as Record<string, unknown>)[name]));
}

/**
 * What comes after the host may hold templates, which are filled in what is sent. Without them the
 * whole counts: two settings may have one stand-in, and differ in what comes after its host.
 */
function sameEndCut(local: string, own: string): Shown['addresses'][number] {
  const [, localHost = local, localEnd] = /^(https?:\/\/[^/?]+)(.*)$/.exec(local) ?? [];
  const [, ownHost = own, ownEnd] = /^(https?:\/\/[^/?]+)(.*)$/.exec(own) ?? [];
  return localEnd === ownEnd && localEnd?.includes('{{') === true ? { local: localHost, own: ownHost } : { local, own };
}

function recordingClient(http: HttpClient, record: (request: HttpRequest) => void): HttpClient {
  return {
    check: () => undefined,
    send: (request, signal) => {
      record(request);
      return http.send(request, signal);
    },
    close: () => Promise.resolve(),
  };
}
