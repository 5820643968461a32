import { versionWarning } from '@activation-hub/destination-kit';
import type { KnownDestinations } from './activation-file.ts';
import { canonicalNamespace } from './canonical-audience.ts';
import { namesOfCanary } from './canary.ts';
import { checkAudienceIds } from './check-audience-ids.ts';
import { checkFormerNames } from './check-former-names.ts';
import { checkLikelyMistakes } from './check-likely-mistakes.ts';
import { checkMapping } from './check-mapping.ts';
import { checkValue } from './check-value.ts';
import type { Objection } from './check-value.ts';
import { isMapping } from './deep-freeze.ts';
import { nearestWord } from './nearest-word.ts';
import { pathText, quoted } from './problem.ts';
import type { Path } from './problem.ts';
import { badSecretReferences } from './secrets.ts';

export interface References {
  readonly objections: readonly Objection[];
  /** What is allowed but looks like an oversight or a slip of the pen. */
  readonly warnings: readonly Objection[];
  /** Output of the connector's schema, by the path of the route as text. */
  readonly options: ReadonlyMap<string, unknown>;
}

/**
 * Checks what one part of the file says about another, and settings and options by the schemas of
 * the destinations. Takes the file as written, right or not, so that one mistake does not hide the
 * others; what has not the form that `activationFileSchema` demands is passed over here. Of
 * versions that end is said as of `nowMs`, nothing without it.
 */
export function checkReferences(written: unknown, known: KnownDestinations, nowMs: number | undefined): References {
  const file = mapping(written);
  const destinations = mapping(file.destinations);
  const audiences = mapping(file.audiences);
  const options = new Map<string, unknown>();
  const used = new Set<string>();
  const settings = new Map<string, unknown>();
  const objections = Object.entries(destinations).flatMap(([key, entry]) =>
    checkDestination(key, mapping(entry), known, settings),
  );
  const warnings: Objection[] = versionWarnings(destinations, known, settings, nowMs);
  for (const [key, entry] of Object.entries(audiences)) {
    const routes = list(mapping(entry).activate).map(mapping);
    objections.push(...checkRoutes(['audiences', key, 'activate'], routes, { destinations, known, settings, options }));
    for (const { destination } of routes) if (typeof destination === 'string') used.add(destination);
    if (routes.length === 0) {
      const message = `audiences.${key} goes nowhere. Add a route under activate, or leave the audience out.`;
      warnings.push({ path: ['audiences', key], message, atKey: true });
    }
  }
  const ids = checkAudienceIds(audiences);
  objections.push(...ids.objections, ...checkFormerNames({ destinations, audiences }));
  objections.push(...namesOfCanary({ destinations, audiences }));
  warnings.push(...ids.warnings, ...checkLikelyMistakes({ destinations, audiences }));
  for (const key of Object.keys(destinations).filter((each) => !used.has(each))) {
    const message = `destinations.${key} is not used. Name it in a route of an audience, or leave it out.`;
    warnings.push({ path: ['destinations', key], message, atKey: true });
  }
  return { objections, warnings, options };
}

/** `parsed` gets the settings of every destination that is right. */
function checkDestination(
  key: string,
  entry: Mapping,
  known: KnownDestinations,
  parsed: Map<string, unknown>,
): readonly Objection[] {
  const { type, settings = {} } = entry;
  const path = ['destinations', key];
  if (typeof type !== 'string') return [];
  const schemas = known.get(type);
  if (schemas === undefined) {
    const message = `${pathText([...path, 'type'])} ${quoted(type)} is not known. ${instead(type, known.keys(), 'types')}`;
    return [{ path: [...path, 'type'], message, atKey: false }];
  }
  if (!isMapping(settings)) return [];
  const settingsPath = [...path, 'settings'];
  const badReferences = badSecretReferences(settings).map((inner) => [...settingsPath, ...inner]);
  const checked = checkValue(schemas.settings, settings, { path: settingsPath, showWords: false });
  if (checked.success) parsed.set(key, checked.data);
  const others = checked.success
    ? []
    : checked.objections.filter((each) => !badReferences.some((bad) => isAround(each.path, bad)));
  return [
    ...badReferences.map((bad) => ({
      path: bad,
      message:
        `${pathText(bad)} must be the name of a secret: letters, digits and hyphens, at most 127. ` +
        'Write the name under which the secret is stored, never the secret itself.',
      atKey: false,
    })),
    ...others,
  ];
}

interface RouteContext {
  readonly destinations: Mapping;
  readonly known: KnownDestinations;
  /** Of destinations whose settings are right. */
  readonly settings: ReadonlyMap<string, unknown>;
  /** Gets the options of every route that is right. */
  readonly options: Map<string, unknown>;
}

function checkRoutes(path: Path, routes: readonly Mapping[], context: RouteContext): readonly Objection[] {
  const seen = new Set<string>();
  return routes.flatMap((route, index) => checkRoute([...path, index], route, context, seen));
}

function checkRoute(path: Path, route: Mapping, context: RouteContext, seen: Set<string>): readonly Objection[] {
  const { destinations, known } = context;
  const { destination, options = {} } = route;
  const objections = (['identity', 'follow'] as const).flatMap((key) => repeatedNamespaces([...path, key], route[key]));
  if (typeof destination !== 'string') return objections;
  const object = (message: string): void => {
    const at = [...path, 'destination'];
    objections.push({ path: at, message: `${pathText(at)} ${quoted(destination)} ${message}`, atKey: false });
  };
  if (seen.has(destination)) object('has a route of this audience already. Join the two routes.');
  seen.add(destination);
  if (!Object.hasOwn(destinations, destination)) {
    object(`is not one of the destinations. ${instead(destination, Object.keys(destinations), 'destinations')}`);
    return objections;
  }
  const type = mapping(destinations[destination]).type;
  const schemas = typeof type === 'string' ? known.get(type) : undefined;
  if (schemas === undefined || !isMapping(options)) return objections;
  const checked = checkValue(schemas.options, options, { path: [...path, 'options'], showWords: false });
  if (!checked.success) return [...objections, ...checked.objections];
  context.options.set(pathText(path), checked.data);
  const settings = context.settings.get(destination);
  const takes = settings === undefined ? undefined : schemas.takes?.(settings, checked.data);
  return takes === undefined ? objections : [...objections, ...checkMapping(path, route, takes)];
}

/** Of every destination whose version of the vendor's API has ended, or ends soon. */
function versionWarnings(
  destinations: Mapping,
  known: KnownDestinations,
  settings: ReadonlyMap<string, unknown>,
  nowMs: number | undefined,
): Objection[] {
  return Object.entries(destinations).flatMap(([key, entry]): readonly Objection[] => {
    const { type } = mapping(entry);
    const versions = typeof type === 'string' ? known.get(type)?.versions : undefined;
    const version = mapping(settings.get(key))[versions?.setting ?? ''];
    if (versions === undefined || typeof version !== 'string' || nowMs === undefined) return [];
    const warning = versionWarning(versions, version, nowMs);
    const at = ['destinations', key];
    return warning === undefined ? [] : [{ path: at, message: `${pathText(at)}: ${warning}`, atKey: true }];
  });
}

function repeatedNamespaces(path: Path, namespaces: unknown): Objection[] {
  const seen = new Set<string>();
  return list(namespaces).flatMap((namespace, index): readonly Objection[] => {
    if (typeof namespace !== 'string') return [];
    const folded = canonicalNamespace(namespace);
    const at = [...path, index];
    const repeated = seen.has(folded);
    seen.add(folded);
    const message = `${pathText(at)} ${quoted(namespace)} is in the list already (upper and lower case are the same). Leave it out.`;
    return repeated ? [{ path: at, message, atKey: false }] : [];
  });
}

function instead(written: string, known: Iterable<string>, what: string): string {
  const words = [...known];
  const near = nearestWord(written, words);
  if (words.length === 0) return `There are no ${what}.`;
  return `${near === undefined ? '' : `Did you mean ${near}? `}The ${what} known here are ${words.join(', ')}.`;
}

/** True where a problem at `outer` only repeats, in less fitting words, that of `inner`. */
function isAround(outer: Path, inner: Path): boolean {
  return outer.length >= inner.length - 1 && outer.every((segment, index) => segment === inner[index]);
}

type Mapping = Readonly<Record<string, unknown>>;

function mapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
