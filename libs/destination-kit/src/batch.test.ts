import { expect, test } from 'vitest';
import { delivered, exitsOf, namelessRefusal, optionsOf, refusedPlaces, resultsInOrder, tellKnown } from './batch.ts';
import type { Delivery } from './destination.ts';

const delivery = (id: string, namespace = 'email'): Delivery<string> => ({
  change: {
    id,
    kind: 'entered',
    audience: { key: 'fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace, value: id },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes: {},
  },
  options: 'Fans',
});

test('the options of a batch are those of its route, and an empty batch is a defect', () => {
  expect(optionsOf([delivery('a'), delivery('b')])).toBe('Fans');
  expect(() => optionsOf([])).toThrow('the batch is empty');
});

test('of exits, a person who is not known has left, and all others stay as judged', () => {
  expect(
    exitsOf([
      { id: 'a', status: 'not-found', reason: 'nobody' },
      { id: 'b', status: 'rejected', reason: 'why' },
    ]),
  ).toEqual([
    { id: 'a', status: 'delivered' },
    { id: 'b', status: 'rejected', reason: 'why' },
  ]);
});

test('refusals are known by their places, and one of no place asks for halves', () => {
  expect(refusedPlaces(2, [{ place: 1, reason: 'bad' }], 'Acme')).toEqual(new Map([[1, 'bad']]));
  expect(refusedPlaces(2, [], 'Acme').size).toBe(0);
  for (const place of [undefined, 2, -1, 0.5])
    expect(() => refusedPlaces(2, [{ place, reason: undefined }], 'Acme')).toThrow(
      expect.objectContaining({ class: 'invalid', doubt: 'answered' }),
    );
  expect(namelessRefusal('Acme').message).toContain('Acme refuses persons and does not say which.');
});

test('an answer with another number of results says nothing of any row', () => {
  expect(resultsInOrder(['x'], 1, 'Acme')).toEqual(['x']);
  for (const results of [[], ['x', 'y']])
    expect(() => resultsInOrder(results, 1, 'Acme')).toThrow(
      expect.objectContaining({ class: 'transient', doubt: 'answered' }),
    );
});

test('a change whose namespace is not set is rejected alone, and needs no request', async () => {
  const told: string[] = [];
  const tell = (known: readonly Delivery[]) => {
    told.push(...known.map(({ change }) => change.id));
    return Promise.resolve(delivered(known.map(({ change }) => change)));
  };
  expect(await tellKnown({ email: 'E' }, [delivery('a', 'ecid'), delivery('b')], tell)).toEqual([
    { id: 'a', status: 'rejected', reason: 'no identifier is set for this namespace' },
    { id: 'b', status: 'delivered' },
  ]);
  expect(told).toEqual(['b']);
  await tellKnown({ email: 'E' }, [delivery('a', 'toString')], () => Promise.reject(new Error('It was told.')));
});
