import type { DesiredAudience } from './desired-destination.ts';
import type { Flow, PatchOperation, Selector, Transformation } from './flow-service-entities.ts';

export type SelectorGroup = 'segmentSelectors' | 'profileSelectors';

/** What a dataflow exports. */
export interface Selection {
  readonly audiences: readonly { readonly id: string; readonly name?: string }[];
  readonly attributes: readonly string[];
  /** Selectors of a form that is not known: they are left as they are. */
  readonly unknownCount: number;
}

/** The transformation of a new dataflow, empty as in Adobe's tutorial. */
export const emptyTransformations: readonly Transformation[] = [
  { name: 'GeneralTransform', params: { profileSelectors: { selectors: [] }, segmentSelectors: { selectors: [] } } },
];

export function selectionOf(flow: Flow): Selection {
  const audiences = selectorsOf(flow, 'segmentSelectors').map((selector) => ({
    key: keyOf('segmentSelectors', selector),
    name: selector.value?.name,
  }));
  const attributes = selectorsOf(flow, 'profileSelectors').map((selector) => keyOf('profileSelectors', selector));
  return {
    audiences: audiences.flatMap(({ key, name }) =>
      key === undefined ? [] : [{ id: key, ...(typeof name === 'string' ? { name } : {}) }],
    ),
    attributes: attributes.filter((path) => path !== undefined),
    unknownCount: [...audiences.map(({ key }) => key), ...attributes].filter((key) => key === undefined).length,
  };
}

/**
 * The id of an audience, or the path of an attribute; `undefined` for a selector of another form.
 */
function keyOf(group: SelectorGroup, { value }: Selector): string | undefined {
  const key = group === 'segmentSelectors' ? value?.id : value?.path;
  return typeof key === 'string' ? key : undefined;
}

export interface SelectorChanges {
  readonly add: readonly Selector[];
  /** Ids or paths. */
  readonly remove: readonly string[];
}

/**
 * The operations that bring one group of a dataflow, as it is now, to hold each added selector once
 * and no removed one. Removal goes by index, and every removal shifts what comes behind: so from
 * the highest to the lowest.
 */
export function selectorOperations(flow: Flow, group: SelectorGroup, changes: SelectorChanges): PatchOperation[] {
  const index = transformationIndex(flow);
  const present = selectorsOf(flow, group);
  const keys = present.map((selector) => keyOf(group, selector));
  const path = `/transformations/${index}/params/${group}`;
  const additions = changes.add.filter((selector) => !keys.includes(keyOf(group, selector)));
  const removals = keys.flatMap((key, position) => {
    const isRepeated = key !== undefined && keys.indexOf(key) < position;
    return key !== undefined && (changes.remove.includes(key) || isRepeated) ? [position] : [];
  });
  const isThere = flow.transformations?.[index]?.params?.[group]?.selectors !== undefined;
  const begin: PatchOperation[] =
    isThere || additions.length === 0 ? [] : [{ op: 'add', path, value: { selectors: [] } }];
  return [
    ...begin,
    ...additions.map((value): PatchOperation => ({ op: 'add', path: `${path}/selectors/-`, value })),
    ...removals.toReversed().map((position): PatchOperation => {
      // The update guide sends the type along with a removal.
      const value = { type: present[position]?.type, value: {} };
      return { op: 'remove', path: `${path}/selectors/${position}`, value };
    }),
  ];
}

export function audienceSelector({ id, name, namespace }: DesiredAudience): Selector {
  const optional = { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) };
  return { type: 'PLATFORM_SEGMENT', value: { id, ...optional } };
}

export function attributeSelector(path: string): Selector {
  return { type: 'JSON_PATH', value: { operator: 'EXISTS', path } };
}

/** Ids or paths that more than one selector of the group names. */
export function repeatedKeys(flow: Flow, group: SelectorGroup): string[] {
  const keys = selectorsOf(flow, group).map((selector) => keyOf(group, selector));
  return [...new Set(keys.filter((key) => key !== undefined && keys.indexOf(key) !== keys.lastIndexOf(key)))].filter(
    (key) => key !== undefined,
  );
}

function selectorsOf(flow: Flow, group: SelectorGroup): readonly Selector[] {
  return flow.transformations?.[transformationIndex(flow)]?.params?.[group]?.selectors ?? [];
}

function transformationIndex({ transformations = [] }: Flow): number {
  const named = transformations.findIndex(({ params }) => params?.segmentSelectors ?? params?.profileSelectors);
  return Math.max(0, named);
}
