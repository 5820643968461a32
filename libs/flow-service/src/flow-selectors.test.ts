import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyJsonPatch } from '../testing/json-patch.ts';
import { desiredDestination } from '../testing/desired.ts';
import type { Flow } from './flow-service-entities.ts';
import { audienceSelector, selectionOf, selectorOperations } from './flow-selectors.ts';
import { planPresence } from './plan-destination.ts';

function flowOf(selectors: readonly object[]): Flow {
  return {
    id: 'flow',
    name: 'Activation Hub',
    description: 'Exports audiences [owner: activation-hub/test]',
    state: 'enabled',
    transformations: [{ params: { segmentSelectors: { selectors } } }],
  };
}

test('any change of a list with repetitions and unknown selectors removes just what it is told to', () => {
  const ids = fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e');
  const selector = fc.oneof(
    { weight: 4, arbitrary: ids.map((id) => audienceSelector({ id })) },
    { weight: 1, arbitrary: fc.constant({ type: 'NEW', value: { odd: true } }) },
  );
  const sets = fc.uniqueArray(ids);
  fc.assert(
    fc.property(fc.array(selector), sets, sets, (present, add, remove) => {
      fc.pre(!add.some((id) => remove.includes(id)));
      const flow = flowOf(present);
      const changes = { add: add.map((id) => audienceSelector({ id })), remove };
      const operations = selectorOperations(flow, 'segmentSelectors', changes);
      const after = operations.length === 0 ? flow : (applyJsonPatch(flow, operations) as Flow);
      const before = selectionOf(flow);
      const kept = [...new Set(before.audiences.map(({ id }) => id))].filter((id) => !remove.includes(id));
      const expected = [...kept, ...add.filter((id) => !kept.includes(id))];
      expect(selectionOf(after).audiences.map(({ id }) => id)).toEqual(expected);
      expect(selectionOf(after).unknownCount).toBe(before.unknownCount);
    }),
  );
});

test('a group that is missing is made before something is put into it', () => {
  const flow = { ...flowOf([]), transformations: [{ name: 'GeneralTransform', params: {} }] };
  const operations = selectorOperations(flow, 'segmentSelectors', { add: [audienceSelector({ id: 'a' })], remove: [] });
  expect(selectionOf(applyJsonPatch(flow, operations) as Flow).audiences).toEqual([{ id: 'a' }]);
});

test('selectors of an unknown form are left alone and mentioned', () => {
  const end = { id: 'end', params: { eventHubName: 'exports' } };
  const observed = {
    flow: flowOf([{ type: 'NEW', value: {} }]),
    target: end,
    targetBase: { id: 'base' },
    source: end,
    targetBaseIsShared: true,
    leftovers: [],
    parts: [],
  };
  const plan = planPresence(desiredDestination({ audiences: [], attributes: [], connectionId: 'base' }), observed, {});
  expect(plan.notes).toEqual(['The dataflow has 1 selectors of an unknown form; they are left as they are.']);
  expect(plan.isEmpty).toBe(true);
});
