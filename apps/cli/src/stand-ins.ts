import { secretNames, type ActivationFile, type DestinationEntry } from '@activation-hub/activation-file';
import type { LocalVendor } from '@activation-hub/destination-kit/testing';
import { localVendors } from '@activation-hub/destinations/testing';
import { CommandError, reasonOf } from './command-error.ts';

/** Stand-ins of all vendors of an activation file, on this machine. */
export interface StandIns {
  /** By key of the destination; one that calls nobody has none. */
  readonly vendors: ReadonlyMap<string, LocalVendor>;
  /** The settings with which each destination finds its stand-in. */
  readonly settings: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** A value for every secret that these settings name, by its name. */
  readonly secrets: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** The value of a secret that may be any text. */
const anySecret = 'stand-in-secret';

/**
 * Starts a stand-in for each destination of the file. Throws `CommandError` (2), with nothing left running, when a kind of
 * destination has none, or none for these settings.
 */
export async function startStandIns(file: ActivationFile): Promise<StandIns> {
  const vendors = new Map<string, LocalVendor>();
  const settings = new Map<string, Readonly<Record<string, unknown>>>();
  const secrets = new Map(secretNames(file).map((name) => [name, anySecret]));
  const close = async (): Promise<void> => {
    await Promise.all([...vendors.values()].map((vendor) => vendor.close()));
  };
  try {
    for (const entry of file.destinations.values()) {
      const vendor = await startStandIn(entry, file);
      if (vendor !== undefined) vendors.set(entry.key, vendor);
      const standIn = withStandIn(entry, vendor);
      settings.set(entry.key, standIn.settings);
      for (const [name, value] of standIn.secrets) secrets.set(name, value);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { vendors, settings, secrets, close };
}

/**
 * Starts the stand-in of one destination; gives `undefined` when it calls nobody. Throws `CommandError` (2) when its kind has none, or
 * none for its settings.
 */
export async function startStandIn(
  { key, type, settings }: DestinationEntry,
  { routes }: ActivationFile,
): Promise<LocalVendor | undefined> {
  const start = Object.hasOwn(localVendors, type) ? localVendors[type] : undefined;
  if (start === 'calls nobody') return undefined;
  if (start === undefined) {
    throw new CommandError(
      2,
      `Failed to stand in for ${key}: there is no stand-in for ${type}. Use a test account of the vendor instead.`,
    );
  }
  try {
    return await (
      await start()
    )({ settings, routes: routes.filter(({ destination }) => destination === key) });
  } catch (error) {
    throw new CommandError(2, `Failed to stand in for ${key}: ${reasonOf(error)}`, { cause: error });
  }
}

/** The settings of the file with those of the stand-in, and the values of the secrets to which these refer, by name. */
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
