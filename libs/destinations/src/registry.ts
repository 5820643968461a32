import type { DestinationDefinition } from '@activation-hub/destination-kit';
import type { storedForms } from './stored-forms.ts';

/**
 * The kinds of destinations that come with Activation Hub. Each is loaded only when it is asked
 * for.
 */
const builtIn: Readonly<Record<string, () => Promise<DestinationDefinition>>> = {
  'blob-archive': async () => (await import('./blob-archive/destination.ts')).blobArchive,
  braze: async () => (await import('./braze/destination.ts')).braze,
  'customer-io': async () => (await import('./customer-io/destination.ts')).customerIo,
  'dynamics-365': async () => (await import('./dynamics-365/destination.ts')).dynamics365,
  'event-hubs': async () => (await import('./event-hubs/destination.ts')).eventHubs,
  'google-customer-match': async () => (await import('./google-customer-match/destination.ts')).googleCustomerMatch,
  hubspot: async () => (await import('./hubspot/destination.ts')).hubspot,
  iterable: async () => (await import('./iterable/destination.ts')).iterable,
  linkedin: async () => (await import('./linkedin/destination.ts')).linkedin,
  log: async () => (await import('./log/destination.ts')).log,
  marketo: async () => (await import('./marketo/destination.ts')).marketo,
  'meta-custom-audiences': async () => (await import('./meta-custom-audiences/destination.ts')).metaCustomAudiences,
  pinterest: async () => (await import('./pinterest/destination.ts')).pinterest,
  salesforce: async () => (await import('./salesforce/destination.ts')).salesforce,
  'salesforce-marketing-cloud': async () =>
    (await import('./salesforce-marketing-cloud/destination.ts')).salesforceMarketingCloud,
  snapchat: async () => (await import('./snapchat/destination.ts')).snapchat,
  tiktok: async () => (await import('./tiktok/destination.ts')).tiktok,
  webhook: async () => (await import('./webhook/destination.ts')).webhook,
};

/** The `type` of each of them, in alphabetical order. */
export const destinationTypes: readonly string[] = Object.keys(builtIn);

/** Gives the exports of an installed package. */
export type ImportPackage = (name: string) => Promise<unknown>;

/**
 * A package that an activation file names cannot be used; the message is fit to be shown, and says
 * what to do.
 */
export class DestinationPackageError extends Error {
  override readonly name = 'DestinationPackageError';
}

/**
 * What to import for a `type` that does not come with Activation Hub: for `@scope/name` the
 * installed package of that name, for `own/<name>` the connector in the folder
 * `own/connectors/<name>` of this repository. `undefined` for any other type.
 */
export function destinationPackage(type: string): string | undefined {
  const own = ownConnector(type);
  if (own !== undefined) return `@activation-hub/own/${own}`;
  return /^@[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/.test(type) ? type : undefined;
}

/** The folder in `own/connectors` that a `type` names; `undefined` for any other type. */
export function ownConnector(type: string): string | undefined {
  return /^own\/([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$/.exec(type)?.[1];
}

/** What to do where there is no package of this type, as a part of a sentence. */
export function howToInstall(type: string): string {
  const own = ownConnector(type);
  return own === undefined
    ? `there is no such package. Run npm install ${type}.`
    : `there is no own/connectors/${own}/destination.ts. Run npx nx g @activation-hub/tools:destination ${own} --own.`;
}

/**
 * Loads the definition of a kind of destination: one of `destinationTypes`, or the default export
 * of a package or of a connector of the company's own. Gives `undefined` when there is no such
 * type. Throws `DestinationPackageError` when the package is not installed, fails to load or
 * exports no definition.
 */
export async function loadDestination(
  type: string,
  importPackage: ImportPackage = (name) => import(name),
): Promise<DestinationDefinition | undefined> {
  if (Object.hasOwn(builtIn, type)) return await builtIn[type]?.();
  const name = destinationPackage(type);
  return name === undefined ? undefined : await loadPackage(type, name, importPackage);
}

/**
 * Loads the definitions of these types, by type. When one of them is unknown, all that come with
 * Activation Hub are given, so that the caller's error can list them.
 */
export async function loadDestinations(
  types: Iterable<string>,
  importPackage?: ImportPackage,
): Promise<ReadonlyMap<string, DestinationDefinition>> {
  const asked = [...new Set(types)];
  const isKnown = (type: string) => Object.hasOwn(builtIn, type) || destinationPackage(type) !== undefined;
  const wanted = asked.every(isKnown) ? asked : new Set([...destinationTypes, ...asked.filter(isKnown)]);
  const loaded = await Promise.all(
    [...wanted].map(async (type) => [type, await loadDestination(type, importPackage)] as const),
  );
  return new Map(loaded.flatMap(([type, definition]) => (definition === undefined ? [] : [[type, definition]])));
}

/** Loads `storedForms`: every form in which one of them may have stored an identity. */
export async function loadStoredForms(): Promise<typeof storedForms> {
  return (await import('./stored-forms.ts')).storedForms;
}

async function loadPackage(type: string, name: string, importPackage: ImportPackage): Promise<DestinationDefinition> {
  const refuse = (why: string, cause?: unknown) =>
    new DestinationPackageError(`Failed to load the destination ${type}: ${why}`, { cause });
  let exports: unknown;
  try {
    exports = await importPackage(name);
  } catch (error) {
    if (isNotInstalled(error, type)) throw refuse(howToInstall(type), error);
    throw refuse(`it fails as it is loaded: ${error instanceof Error ? error.message : 'no error'}.`, error);
  }
  const definition = isObject(exports) ? exports.default : undefined;
  if (definition === undefined) {
    throw refuse('it has no default export. Let it export the value that defineDestination gives.');
  }
  if (!isDefinition(definition)) {
    throw refuse('its default export is not a destination. Let it export the value that defineDestination gives.');
  }
  return definition;
}

/** Node names the package that it does not find, and of a folder of ours the file. */
function isNotInstalled(error: unknown, type: string): boolean {
  const own = ownConnector(type);
  const missing =
    own === undefined ? [`'${type}'`] : [`/connectors/${own}/destination.ts'`, `'${destinationPackage(type) ?? ''}'`];
  return isNotFound(error, missing);
}

/**
 * Whether an import failed because Node does not find one of these modules itself, and not one that
 * they import; each with its closing quote.
 */
export function isNotFound(error: unknown, modules: readonly string[]): boolean {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) return false;
  const message = error.message.replaceAll('\\', '/');
  return modules.some((module) => message.includes(module));
}

function isDefinition(value: unknown): value is DestinationDefinition {
  if (!isObject(value)) return false;
  const { type, title, settings, options, limits, connect } = value;
  const isSchema = (schema: unknown) => isObject(schema) && typeof schema.safeParse === 'function';
  return (
    [type, title].every((text) => typeof text === 'string') &&
    [settings, options].every(isSchema) &&
    [limits, connect].every((part) => typeof part === 'function')
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
