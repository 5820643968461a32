import { canonicalNamespace } from './canonical-audience.ts';
import { nearestWord } from './nearest-word.ts';

/**
 * AEP's own identity namespaces, as exports spell them. Source: Adobe, "Identity namespaces",
 * "Standard namespaces".
 */
const standardNamespaces = [
  ...['core', 'ecid', 'email', 'phone', 'waid', 'tntid', 'aaid', 'email_lc_sha256', 'aamsegments', 'aamtraits'],
  ...['phone_sha256', 'aepsegments', 'phone_e.164', 'phone_sha256_e.164', 'adcloud', 'gaid', 'idfa', 'fcm', 'apns'],
];

/**
 * Why an identity namespace is probably a slip of the pen, as the rest of a sentence that begins
 * with the namespace; undefined when it may be right. Only the sandbox knows the namespaces of a
 * company.
 */
export function doubtAboutNamespace(written: string): string | undefined {
  const prefix = /^(?:xdm:)?identityMap[./]/i.exec(written)?.[0];
  if (prefix !== undefined) return `is a path. Write the namespace alone: ${written.slice(prefix.length)}.`;
  const namespace = canonicalNamespace(written);
  if (standardNamespaces.includes(namespace)) return undefined;
  const near = nearestWord(namespace, standardNamespaces);
  return near === undefined ? undefined : `is not one of AEP's own namespaces. Did you mean ${near}?`;
}
