import type { TokenCredential } from '@azure/identity';

/** The app settings, and how names in them become values and connections. */
export class Settings {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: Readonly<Record<string, string>>) {
    // Azure treats ":" and "__" alike, and names without regard to case.
    this.#values = new Map(Object.entries(values).map(([name, value]) => [normalise(name), value]));
  }

  find(name: string): string | undefined {
    const value = this.#values.get(normalise(name));
    return value === '' ? undefined : value;
  }

  /**
   * Replaces every `%NAME%` by the setting of that name. Throws a sentence that names a missing
   * one.
   */
  expand(text: string, usedBy: string): string {
    return text.replace(/%([^%]+)%/g, (_, name: string) => this.find(name) ?? missing(name, usedBy));
  }

  /**
   * A connection by the name that a trigger uses: a connection string, or the parts of an
   * identity-based connection (`Name__fullyQualifiedNamespace` and the like). The prefix
   * AzureWebJobs is tried as well, as in Azure.
   */
  connection(name: string, usedBy: string): ConnectionSettings {
    for (const candidate of [name, `AzureWebJobs${name}`]) {
      const connectionString = this.find(candidate);
      if (connectionString !== undefined) return { kind: 'connectionString', connectionString };
      const prefix = `${normalise(candidate)}__`;
      const parts = [...this.#values].filter(([key, value]) => key.startsWith(prefix) && value !== '');
      if (parts.length > 0) {
        const part = new Map(parts.map(([key, value]) => [key.slice(prefix.length), value]));
        return { kind: 'identity', name, part: (field) => part.get(field.toLowerCase()) };
      }
    }
    return missing(name, usedBy);
  }
}

export type ConnectionSettings =
  | { readonly kind: 'connectionString'; readonly connectionString: string }
  | { readonly kind: 'identity'; readonly name: string; part(field: string): string | undefined };

export type IdentityConnection = Extract<ConnectionSettings, { kind: 'identity' }>;

/**
 * The address of one storage service: `Name__blobServiceUri`, or built from `Name__accountName`.
 */
export function storageServiceUri(connection: IdentityConnection, service: 'blob' | 'queue', usedBy: string): string {
  const accountName = connection.part('accountName');
  return (
    connection.part(`${service}ServiceUri`) ??
    connection.part('serviceUri') ??
    (accountName === undefined
      ? missing(`${connection.name}__${service}ServiceUri`, usedBy)
      : `https://${accountName}.${service}.core.windows.net`)
  );
}

/**
 * `__credential: managedidentity` with an optional `__clientId`; anything else is the default chain
 * (az CLI, environment, …).
 */
export async function credentialOf(connection: IdentityConnection): Promise<TokenCredential> {
  // Loaded only when needed: the package takes longer to load than everything else here together.
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const clientId = connection.part('clientId');
  if (connection.part('credential')?.toLowerCase() === 'managedidentity') {
    return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  }
  return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
}

export function missing(name: string, usedBy: string): never {
  throw new Error(`Failed to start ${usedBy}: the setting ${name} is missing. Add it to the app's settings.`);
}

function normalise(name: string): string {
  return name.replaceAll(':', '__').toLowerCase();
}
