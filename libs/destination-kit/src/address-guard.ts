import { lookup } from 'node:dns';
import { lookup as lookupNow } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * What is not the public internet: RFC 6890 and its successors, and the addresses by which clouds
 * serve metadata.
 */
const refused = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's platform address (DNS, health, the VM agent's secrets) lies in a public range.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  refused.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 carries an IPv4 address, which may be a private one.
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  refused.addSubnet(network, prefix, 'ipv6');
}

/**
 * All global unicast addresses of IPv6; loopback, link-local, unique local, mapped and translated
 * ones lie outside.
 */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/**
 * True for an IPv4 or IPv6 address, without brackets, of the public internet; false for all else,
 * names included.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !refused.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !refused.check(address, 'ipv6');
}

/** A name resolves to an address that is not public. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

/**
 * Resolves a name for a connection and refuses it with `PrivateAddressError` when any of its
 * addresses is not public. The connection goes to the very addresses that were checked, so a name
 * that resolves differently a moment later (DNS rebinding) gains nothing.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) {
      callback(error, []);
      return;
    }
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new PrivateAddressError('the name resolves to an address that is not public'), []);
    } else if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

/** A silent resolver must not hold a connection up whose name is resolved elsewhere. */
const secondLookMs = 1_000;

/**
 * For a name that a proxy resolves, so that the connection cannot be bound to addresses that were
 * checked: throws `PrivateAddressError` for a name that is known here and has an address that is
 * not public. A name that cannot be resolved here, or not within a second, is left to the proxy. An
 * address itself is not looked at: the form of the URL was checked.
 */
export async function refusePrivateName(hostname: string): Promise<void> {
  if (isIP(hostname) !== 0) return;
  const { promise: silence, resolve } = Promise.withResolvers<readonly { readonly address: string }[]>();
  const timer = setTimeout(() => resolve([]), secondLookMs);
  // A failed lookup is no answer here, and the proxy may have one.
  const known = lookupNow(hostname, { all: true }).catch(() => []);
  const addresses = await Promise.race([known, silence]).finally(() => clearTimeout(timer));
  if (!addresses.every(({ address }) => isPublicAddress(address))) {
    throw new PrivateAddressError('the name resolves to an address that is not public');
  }
}
