import { pathText, type ActivationFile, type Problem } from '@activation-hub/activation-file';
import { createHttpClient, DestinationError, type HttpClient } from '@activation-hub/destination-kit';
import type { Locate, Place } from './locate-problem.ts';

/** URLs of settings that the HTTP client refuses outside local runs, so that a deployment does not find them first. */
export async function checkUrls(file: ActivationFile, locate: Locate): Promise<readonly Problem[]> {
  const http = createHttpClient();
  try {
    return [...file.destinations.values()].flatMap(({ key, settings }) =>
      urlsIn(settings, ['destinations', key, 'settings']).flatMap(({ place, url }) => {
        const refusal = refusalOf(http, url);
        return refusal === undefined ? [] : [locate(place, `${pathText(place)} works in local runs only. ${refusal}`)];
      }),
    );
  } finally {
    await http.close();
  }
}

function refusalOf(http: HttpClient, url: string): string | undefined {
  try {
    http.check(url);
    return undefined;
  } catch (error) {
    if (error instanceof DestinationError) return error.message;
    throw error;
  }
}

function urlsIn(value: unknown, place: Place): readonly { readonly place: Place; readonly url: string }[] {
  if (typeof value === 'string') return /^https?:\/\//i.test(value) ? [{ place, url: value }] : [];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...(value as readonly unknown[]).entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => urlsIn(inner, [...place, key]));
}
