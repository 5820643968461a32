/*
 * What can be said of a storage account's address without the SDK, which the start of an app should
 * not have to load.
 */

/**
 * Why a service of a storage account cannot be called at this URL, as the end of a sentence;
 * undefined when it may be there.
 */
export function addressFault(url: string): string | undefined {
  const { protocol, hostname } = URL.parse(url) ?? {};
  if (hostname === undefined) return 'it cannot be understood. Copy it again from the storage account.';
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined;
  return 'plain http is allowed only to an emulator on this machine. Use https.';
}

/**
 * Over how many accounts a ledger may be spread: a power of two, for bits of a digest choose the
 * account.
 */
export const ledgerAccountCounts = [1, 2, 4, 8, 16, 32] as const;

/** The addresses of the table services of a ledger's accounts, in their order. */
export function ledgerAddresses(tableEndpoint: string): readonly string[] {
  return tableEndpoint.split(',').map((address) => address.trim());
}

/** Why a ledger cannot be spread over so many accounts, as the end of a sentence. */
export function ledgerAccountsFault(accounts: number): string | undefined {
  if (ledgerAccountCounts.some((count) => count === accounts)) return undefined;
  return `a ledger cannot be spread over ${accounts} accounts. Give ${ledgerAccountCounts.join(', ')} of them.`;
}

/**
 * Why a connection string leads to no storage account, as the end of a sentence; undefined when it
 * may lead to one. Quotes nothing of it. Its form: "Configure Azure Storage connection strings".
 */
export function connectionStringFault(connectionString: string): string | undefined {
  const parts = new Map(connectionString.split(';').map(partOf));
  if (parts.get('usedevelopmentstorage') === 'true') return undefined;
  const endpoints = ['blob', 'queue', 'table'].flatMap((service) => parts.get(`${service}endpoint`) ?? []);
  const signsIn = hasText(parts.get('accountname')) && isKey(parts.get('accountkey'));
  if (!signsIn && !(hasText(parts.get('sharedaccesssignature')) && endpoints.length > 0)) {
    return 'it cannot be understood. Copy it again from the storage account, or from what the emulator printed.';
  }
  const protocol = parts.get('defaultendpointsprotocol') ?? 'https';
  const addresses = endpoints.length > 0 ? endpoints : [`${protocol}://${parts.get('accountname') ?? ''}.core`];
  return addresses.map(addressFault).find((fault) => fault !== undefined);
}

/** The name in lower case; what stands behind the first `=`, for keys end with more of them. */
function partOf(part: string): readonly [string, string] {
  const [name = '', ...value] = part.split('=');
  return [name.trim().toLowerCase(), value.join('=').trim()];
}

const hasText = (text: string | undefined): boolean => text !== undefined && text !== '';

/** Base64, as every account's key is. */
const isKey = (text = ''): boolean => /^[A-Za-z0-9+/]{40,}={0,2}$/.test(text);

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
