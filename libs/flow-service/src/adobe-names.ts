import { AdobeError } from './adobe-error.ts';
import type { AdobeNames, DesiredDestination } from './desired-destination.ts';
import type { ConnectionSpec, FlowEnd } from './flow-service-entities.ts';
import { isRecord } from './json.ts';

const toggles = {
  segmentNames: { pattern: /^(include)?_?(segment|audience)s?_?names?(enabled)?$/i, label: 'Include Segment Names' },
  segmentTimestamps: {
    pattern: /^(include)?_?(segment|audience)s?_?timestamps?(enabled)?$/i,
    label: 'Include Segment Timestamps',
  },
} as const;

export const defaultAuthSpecName = 'Azure EventHub authentication credentials';

/**
 * Throws when Adobe's specification names its ways to authenticate, and the one to be used is not
 * among them.
 */
export function checkAuthSpecName(spec: ConnectionSpec, name: string): void {
  const known = (spec.authSpec ?? []).flatMap((auth) => (auth.name === undefined ? [] : [auth.name]));
  if (known.length === 0 || known.includes(name)) return;
  throw new AdobeError(
    `Failed to create a connection: Adobe does not know the authentication "${name}" for Event Hubs. Configure authSpecName as one of: ${known.map((one) => `"${one}"`).join(', ')}.`,
    { kind: 'unsupported' },
  );
}

/**
 * The parameters of the target connection that the desired toggles stand for, as Adobe calls them.
 * The names are not documented: they come from the configuration, else from Adobe's specification,
 * else from the target connection itself. Throws an `AdobeError` of kind `unsupported` when none of
 * them knows.
 */
export function toggleParams(
  desired: DesiredDestination['toggles'],
  configured: AdobeNames['toggles'],
  spec: ConnectionSpec | undefined,
  target: FlowEnd | undefined,
): Readonly<Record<string, boolean>> {
  const params: Record<string, boolean> = {};
  for (const toggle of ['segmentNames', 'segmentTimestamps'] as const) {
    const wanted = desired?.[toggle];
    if (wanted === undefined) continue;
    const { pattern, label } = toggles[toggle];
    const candidates = [
      ...specifiedParams(spec?.targetSpec),
      ...Object.keys(target?.params ?? {}).map((name) => ({ name, title: '' })),
    ];
    const found = candidates.find(
      ({ name, title }) => pattern.test(name) || title.toLowerCase() === label.toLowerCase(),
    );
    const name = configured?.[toggle] ?? found?.name;
    if (name === undefined) {
      throw new AdobeError(
        `Failed to set "${label}": Adobe does not document what its API calls it, and its specification does not tell. Make a destination in AEP's interface with it switched on, look at the params of its target connection, and configure that name as toggles.${toggle}.`,
        { kind: 'unsupported' },
      );
    }
    params[name] = wanted;
  }
  return params;
}

/** Every property of a JSON Schema that is somewhere inside, with its title. */
function specifiedParams(schema: unknown): { name: string; title: string }[] {
  if (Array.isArray(schema)) return schema.flatMap(specifiedParams);
  if (!isRecord(schema)) return [];
  const properties = isRecord(schema.properties) ? Object.entries(schema.properties) : [];
  const own = properties.map(([name, property]) => {
    const title = isRecord(property) ? property.title : undefined;
    return { name, title: typeof title === 'string' ? title : '' };
  });
  return [...own, ...Object.values(schema).flatMap(specifiedParams)];
}
