import { isMapping } from './deep-freeze.ts';
import type { Path } from './problem.ts';

/** Names of settings, headers and parameters of a URL that hold credentials. */
const tellingName =
  /^(?:(?:proxy-)?authorization|cookie|password|passwd|secret|token|sig|signature|code|key)$|(?:^|[-_.]|x)(?:api[-_]?key|access[-_]?token|auth[-_]?token|client[-_]?secret|functions[-_]key|subscription[-_]key|token|secret|password)$/i;

/**
 * How credentials begin, or what stands in them: schemes of HTTP, keys of vendors, PEM, JSON Web
 * Tokens, connection strings.
 */
const tellingValue =
  /^(?:bearer|basic|digest|apikey|token)\s+\S|^whsec_|^(?:sk|rk)_(?:live|test)_|^xox[abp]-|^gh[pousr]_|^pat-[a-z]{2}\d-|^-----BEGIN|^eyJ[\w-]+\.[\w-]+\.|(?:Account|SharedAccess)Key=/i;

/**
 * Where in some settings, as they are written, a secret seems to stand in the open. Never gives the
 * secret itself.
 */
export function openSecrets(value: unknown, path: Path = []): readonly Path[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => openSecrets(inner, [...path, index]));
  if (isMapping(value)) {
    const keys = Object.keys(value);
    if (keys.length === 1 && keys[0] === 'secret') return [];
    return Object.entries(value).flatMap(([key, inner]) => openSecrets(inner, [...path, key]));
  }
  if (typeof value !== 'string' || value === '') return [];
  const url = URL.parse(value);
  const isTelling =
    url?.protocol.startsWith('http') === true
      ? [...url.searchParams].some(([name, inner]) => inner !== '' && tellingName.test(name) && !inner.includes('{{'))
      : tellingValue.test(value) || (tellingName.test(String(path.at(-1))) && !/[{}\s]/.test(value));
  return isTelling ? [path] : [];
}
