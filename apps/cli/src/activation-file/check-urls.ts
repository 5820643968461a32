import { pathText, type ActivationFile, type Problem } from '@activation-hub/activation-file';
import { createHttpClient, DestinationError, type HttpClient } from '@activation-hub/destination-kit';
import type { Findings } from '../aep/check-audiences.ts';
import type { Locate, Place } from './locate-problem.ts';

/**
 * URLs of settings that the HTTP client refuses outside local runs, so that a deployment does not
 * find them first: a warning for one on this machine or in a private network, where local runs may
 * call, and a problem for any other.
 */
export async function checkUrls(file: ActivationFile, locate: Locate): Promise<Findings> {
  const http = createHttpClient();
  try {
    const problems: Problem[] = [];
    const warnings: Problem[] = [];
    for (const { key, settings } of file.destinations.values()) {
      for (const { place, url } of urlsIn(settings, ['destinations', key, 'settings'])) {
        const refusal = refusalOf(http, url);
        if (refusal === undefined) continue;
        if (isLocal(url)) warnings.push(locate(place, `${pathText(place)} works in local runs only: ${refusal}`));
        else problems.push(locate(place, `${pathText(place)} cannot be called: ${refusal}`));
      }
    }
    return { problems, warnings };
  } finally {
    await http.close();
  }
}

/** Why the client refuses the URL, after a colon; undefined where it does not. */
function refusalOf(http: HttpClient, url: string): string | undefined {
  try {
    http.check(url);
    return undefined;
  } catch (error) {
    if (error instanceof DestinationError) return error.message.replace(/^Failed to call \S+: /, '');
    throw error;
  }
}

/** An address, or a name that only a machine or a network of one's own knows. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  const isAddress = /^[\d.]+$/.test(hostname) || hostname.startsWith('[');
  return isAddress || !hostname.includes('.') || /\.(localhost|local|internal|test)$/.test(hostname);
}

function urlsIn(value: unknown, place: Place): readonly { readonly place: Place; readonly url: string }[] {
  if (typeof value === 'string') return /^https?:\/\//i.test(value) ? [{ place, url: value }] : [];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...(value as readonly unknown[]).entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => urlsIn(inner, [...place, key]));
}
