import { secretNames, type ActivationFile, type DestinationEntry } from '@activation-hub/activation-file';
import type { LocalVendor } from '@activation-hub/destination-kit/testing';
import { localVendorOf } from '@activation-hub/destinations/testing';
import { CommandError, reasonOf } from '../terminal/command-error.ts';

/** Stand-ins of all vendors of an activation file, on this machine. */
export interface StandIns {
  /** By key of the destination; one that sends no requests has none. */
  readonly vendors: ReadonlyMap<string, LocalVendor>;
  /** The settings with which each destination finds its stand-in. */
  readonly settings: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** A value for every secret that these settings name, by its name. */
  readonly secrets: ReadonlyMap<string, string>;
  /**
   * Stands in for the destinations of another file too. Throws `CommandError` (2), with nothing
   * begun, when a destination would need another stand-in than it has, for that would begin empty
   * and the ledger would not.
   */
  follow(file: ActivationFile): Promise<void>;
  close(): Promise<void>;
}

/** The value of a secret that may be any text. */
const anySecret = 'stand-in-secret';

/**
 * Starts a stand-in for each destination of the file. Throws `CommandError` (2), with nothing left
 * running, when a kind of destination has none, or none for these settings.
 */
export async function startStandIns(file: ActivationFile): Promise<StandIns> {
  const vendors = new Map<string, LocalVendor>();
  const settings = new Map<string, Readonly<Record<string, unknown>>>();
  const secrets = new Map<string, string>();
  /** For what each of them was begun. */
  const begunFor = new Map<string, string>();
  const close = async (): Promise<void> => {
    await Promise.all([...vendors.values()].map((vendor) => vendor.close()));
  };
  const follow = async (next: ActivationFile): Promise<void> => {
    const entries = [...next.destinations.values()];
    for (const entry of entries) {
      if ((begunFor.get(entry.key) ?? needsOf(entry, next)) === needsOf(entry, next)) continue;
      throw new CommandError(
        2,
        `Failed to stand in for ${entry.key}: its type, its settings or the options of its routes are others now, and another stand-in would begin empty while the ledger does not. Start activation local again.`,
      );
    }
    for (const name of secretNames(next)) if (!secrets.has(name)) secrets.set(name, anySecret);
    for (const entry of entries.filter(({ key }) => !begunFor.has(key))) {
      const vendor = await startStandIn(entry, next);
      if (vendor !== undefined) vendors.set(entry.key, vendor);
      const standIn = withStandIn(entry, vendor);
      settings.set(entry.key, standIn.settings);
      begunFor.set(entry.key, needsOf(entry, next));
      for (const [name, value] of standIn.secrets) secrets.set(name, value);
    }
  };
  try {
    await follow(file);
  } catch (error) {
    await close();
    throw error;
  }
  return { vendors, settings, secrets, follow, close };
}

/** What a stand-in is begun for. */
function needsOf({ key, type, settings }: DestinationEntry, { routes }: ActivationFile): string {
  const options = routes.filter(({ destination }) => destination === key).map((route) => JSON.stringify(route.options));
  return JSON.stringify([type, settings, [...new Set(options)].toSorted()]);
}

/**
 * Starts the stand-in of one destination; gives `undefined` when it sends no requests. Throws
 * `CommandError` (2) when its kind has none, or none for its settings.
 */
export async function startStandIn(
  { key, type, settings }: Pick<DestinationEntry, 'key' | 'type' | 'settings'>,
  { routes }: Pick<ActivationFile, 'routes'>,
  vendorOf: (type: string) => ReturnType<typeof localVendorOf> = localVendorOf,
): Promise<LocalVendor | undefined> {
  const refuse = (why: string, cause?: unknown) =>
    new CommandError(2, `Failed to stand in for ${key}: ${why}`, { cause });
  try {
    const start = await vendorOf(type);
    if (start === 'calls nobody') return undefined;
    if (start !== undefined)
      return await start({ settings, routes: routes.filter(({ destination }) => destination === key) });
  } catch (error) {
    throw refuse(reasonOf(error), error);
  }
  throw refuse(`there is no stand-in for ${type}. Use a test account of the vendor instead.`);
}

/**
 * The settings of the file with those of the stand-in, and the values of the secrets to which these
 * refer, by name.
 */
export function withStandIn(
  { key, settings }: DestinationEntry,
  vendor: LocalVendor | undefined,
): { readonly settings: Readonly<Record<string, unknown>>; readonly secrets: ReadonlyMap<string, string> } {
  const formed = Object.entries(vendor?.secrets ?? {}).map(([setting, value]) => ({
    setting,
    name: `stand-in-${key}-${setting.toLowerCase()}`,
    value,
  }));
  const references = Object.fromEntries(formed.map(({ setting, name }) => [setting, { secret: name }]));
  return {
    settings: { ...(settings as Readonly<Record<string, unknown>>), ...vendor?.settings, ...references },
    secrets: new Map(formed.map(({ name, value }) => [name, value])),
  };
}
