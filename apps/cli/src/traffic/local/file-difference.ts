import type { ActivationFile, Route } from '@activation-hub/activation-file';

/**
 * What is otherwise in one activation file than in another, a line each: `+ vip → crm`,
 * `- vip → ads`, `~ vip → crm: mode live → shadow`. Empty when both mean the same. Values of
 * settings and options are not shown.
 */
export function fileDifference(before: ActivationFile, after: ActivationFile): readonly string[] {
  return [
    ...entryLines(before.destinations, after.destinations, (key) => `destination ${key}`),
    ...entryLines(audiencesOf(before), audiencesOf(after), (key) => `audience ${key}`),
    ...entryLines(routesOf(before), routesOf(after), (name) => name),
    ...partsOf({ 'stall limit': before.stall }, { 'stall limit': after.stall }).map((part) => `~ ${part}`),
  ];
}

function routesOf({ routes }: ActivationFile): ReadonlyMap<string, Route> {
  return new Map(routes.map((route) => [`${route.audience} → ${route.destination}`, route]));
}

/** Without their routes, which have lines of their own. */
function audiencesOf({ audiences }: ActivationFile): ReadonlyMap<string, object> {
  return new Map([...audiences].map(([key, audience]) => [key, { ...audience, routes: undefined }]));
}

function entryLines(
  before: ReadonlyMap<string, object>,
  after: ReadonlyMap<string, object>,
  nameOf: (key: string) => string,
): readonly string[] {
  const changed = [...after].flatMap(([key, entry]) => {
    const old = before.get(key);
    if (old === undefined) return [`+ ${nameOf(key)}`];
    const parts = partsOf(old, entry);
    return parts.length === 0 ? [] : [`~ ${nameOf(key)}: ${parts.join(', ')}`];
  });
  const gone = [...before.keys()].filter((key) => !after.has(key)).map((key) => `- ${nameOf(key)}`);
  return [...changed, ...gone];
}

/** What the file calls properties that have other names here. */
const fileNames: Readonly<Record<string, string>> = {
  identityNamespaces: 'identity',
  consentPath: 'consent',
  giveUpAfterMs: 'giveUpAfter',
  retryAfterMaxMs: 'retryAfterMax',
};
/** These follow from `formerly`, which is named. */
const derived: ReadonlySet<string> = new Set(['ledgerName', 'ledgerId']);
/** Of these it is said from what to what. */
const shown: ReadonlySet<string> = new Set(['mode', 'type', 'id', 'identityNamespaces']);

/** The properties that differ; of words, from what to what. */
function partsOf(before: object, after: object): readonly string[] {
  const old = new Map(Object.entries(before));
  const names = new Set([...old.keys(), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const from: unknown = old.get(name);
    const to: unknown = Object.entries(after).find(([each]) => each === name)?.[1];
    if (derived.has(name) || text(from) === text(to)) return [];
    const fileName = fileNames[name] ?? name;
    return [shown.has(name) ? `${fileName} ${wordsOf(from)} → ${wordsOf(to)}` : fileName];
  });
}

function wordsOf(value: unknown): string {
  return Array.isArray(value) ? value.join(' or ') : String(value);
}

/** The same for the same values, whatever the order of their properties. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Map) return [...each.entries()];
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  });
}
