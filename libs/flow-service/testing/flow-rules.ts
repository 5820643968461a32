import { invalid } from './refusal.ts';

interface StoredSelector {
  readonly type?: unknown;
  readonly value?: Readonly<Record<string, unknown>>;
}

type SelectorGroup = 'profileSelectors' | 'segmentSelectors';
const groups: readonly SelectorGroup[] = ['profileSelectors', 'segmentSelectors'];

/**
 * Throws a refusal when a dataflow is not one: ends that exist, one transformation, selectors of
 * the right form.
 */
export function checkedFlow(
  flow: Record<string, unknown>,
  mustExist: (end: 'sourceConnections' | 'targetConnections', id: string) => void,
): Record<string, unknown> {
  const spec = flow.flowSpec as { id?: string; version?: string } | undefined;
  if (spec?.id === undefined || spec.version !== '1.0') throw invalid('flowSpec.version is missing', 422);
  for (const end of ['sourceConnections', 'targetConnections'] as const) {
    const ids = flow[end.replace(/s$/, 'Ids')];
    if (!Array.isArray(ids) || ids.length !== 1) throw invalid(`${end.replace(/s$/, 'Ids')} must hold one id`);
    mustExist(end, String(ids[0]));
  }
  for (const group of groups) {
    for (const selector of selectorsOf(flow, group)) {
      const [type, name] = group === 'profileSelectors' ? ['JSON_PATH', 'path'] : ['PLATFORM_SEGMENT', 'id'];
      if (selector.type !== type || typeof selector.value?.[name] !== 'string') {
        throw invalid(`A selector of ${group} is not of type ${type} with a ${name}`);
      }
    }
  }
  return flow;
}

/** Gives new selectors their times, as strings of epoch seconds. */
export function stampSelectors(
  flow: Record<string, unknown>,
  before: Record<string, unknown>,
  nowMs: number,
): Record<string, unknown> {
  const stamp = String(Math.floor(nowMs / 1000));
  const known = new Set(
    groups.flatMap((group) => selectorsOf(before, group).map((selector) => JSON.stringify(selector))),
  );
  const [transformation, ...others] = flow.transformations as Record<string, unknown>[];
  if (transformation === undefined) return flow;
  const params = { ...(transformation.params as Record<string, unknown>) };
  for (const group of groups) {
    const selectors = selectorsOf(flow, group).map((selector) =>
      known.has(JSON.stringify(selector))
        ? selector
        : { ...selector, value: { createTime: stamp, ...selector.value, updateTime: stamp } },
    );
    params[group] = { ...(params[group] as Record<string, unknown> | undefined), selectors };
  }
  return { ...flow, transformations: [{ ...transformation, params }, ...others] };
}

function selectorsOf(flow: Record<string, unknown>, group: SelectorGroup): readonly StoredSelector[] {
  const [transformation] = (flow.transformations ?? []) as Record<string, Record<string, { selectors?: unknown }>>[];
  if (transformation?.params === undefined) throw invalid('transformations must hold one with params');
  const selectors = transformation.params[group]?.selectors ?? [];
  if (!Array.isArray(selectors)) throw invalid(`${group}.selectors is not a list`);
  return selectors as StoredSelector[];
}
