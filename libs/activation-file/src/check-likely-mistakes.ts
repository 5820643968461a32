import type { Objection } from './check-value.ts';
import { isMapping } from './deep-freeze.ts';
import { doubtAboutNamespace } from './identity-namespaces.ts';
import { openSecrets } from './open-secrets.ts';
import { placeholders } from './placeholders.ts';
import { pathText, quoted } from './problem.ts';
import type { Path } from './problem.ts';
import { doubtAbout } from './xdm-paths.ts';

type Mapping = Readonly<Record<string, unknown>>;

/**
 * What is allowed, and is most probably not what is meant: paths, namespaces and secrets of a file
 * as it is written.
 */
export function checkLikelyMistakes(file: {
  readonly destinations: Mapping;
  readonly audiences: Mapping;
}): readonly Objection[] {
  const destinations = Object.entries(file.destinations).flatMap(([key, entry]) =>
    secretsInTheOpen(['destinations', key, 'settings'], isMapping(entry) ? entry.settings : undefined),
  );
  const audiences = Object.entries(file.audiences).flatMap(([key, entry]) => {
    const { consent, activate } = isMapping(entry) ? entry : {};
    const path = ['audiences', key];
    const routes: readonly unknown[] = Array.isArray(activate) ? activate : [];
    return [
      ...doubts([...path, 'consent'], consent, doubtAbout),
      ...routes.flatMap((route, index) =>
        isMapping(route) ? doubtsAboutRoute([...path, 'activate', index], route) : [],
      ),
    ];
  });
  return [
    ...destinations,
    ...audiences,
    ...unfilled(['destinations'], file.destinations),
    ...unfilled(['audiences'], file.audiences),
  ];
}

function unfilled(path: Path, value: Mapping): readonly Objection[] {
  return placeholders(value, path).map(({ path: at, name }) => ({
    path: at,
    message: `${pathText(at)} has ${name}, which nothing fills in here. Write the value itself, or { secret: name } where a secret is meant.`,
    atKey: false,
  }));
}

function secretsInTheOpen(path: Path, settings: unknown): readonly Objection[] {
  return openSecrets(settings).map((inner) => {
    const at = [...path, ...inner];
    const message = `${pathText(at)} looks like a secret that stands in the file. Write { secret: name }, and store it under that name.`;
    return { path: at, message, atKey: false };
  });
}

function doubtsAboutRoute(path: Path, route: Mapping): readonly Objection[] {
  const namespaces = ['identity', 'follow'].flatMap((key) => doubts([...path, key], route[key], doubtAboutNamespace));
  const { attributes } = route;
  const paths = Object.entries(isMapping(attributes) ? attributes : {}).flatMap(([name, written]) =>
    doubts([...path, 'attributes', name], written, doubtAbout),
  );
  return [...namespaces, ...paths];
}

/** Of a text, or of each text of a list. */
function doubts(path: Path, written: unknown, doubtOf: (text: string) => string | undefined): readonly Objection[] {
  if (Array.isArray(written)) return written.flatMap((each, index) => doubts([...path, index], each, doubtOf));
  const doubt = typeof written === 'string' ? doubtOf(written) : undefined;
  if (doubt === undefined) return [];
  return [{ path, message: `${pathText(path)} ${quoted(String(written))} ${doubt}`, atKey: false }];
}
