import { expect, test } from 'vitest';
import { NamedLists } from './named-lists.ts';
import { DestinationError, type DestinationErrorClass } from './verdict.ts';

interface Options {
  readonly list: string;
  readonly createList?: boolean;
}

const { signal } = new AbortController();
const fans = { list: 'Fans' };

/** Lists of a vendor that has these. */
function start(...there: readonly string[]) {
  const state = { there: [...there], asked: 0, created: 0, isDown: false };
  const lists = new NamedLists<Options, string, { readonly id: string }>({
    find: ({ list }) => {
      state.asked += 1;
      if (state.isDown) return Promise.reject(new DestinationError('transient', 'Failed.', { doubt: 'unanswered' }));
      return Promise.resolve(state.there.filter((name) => name === list));
    },
    mayCreate: ({ createList = false }) => createList,
    create: ({ list }) => {
      state.created += 1;
      state.there.push(list);
      return Promise.resolve([list]);
    },
    choose: ([first, ...others], { list }) => {
      if (first === undefined) return { refuse: `Failed to find ${list}. Create it.` };
      return others.length > 0
        ? { refuse: `Failed to use ${list}: there are several. Name it by id.` }
        : { use: { id: first } };
    },
  });
  return { state, lists };
}

test('a list is looked for once, however many ask, until it is forgotten', async () => {
  const { state, lists } = start('Fans');
  await Promise.all([lists.get(fans, signal), lists.get(fans, signal)]);
  expect(await lists.get(fans, signal)).toEqual({ id: 'Fans' });
  expect(state.asked).toBe(1);
  state.there = [];
  await expect(lists.getAnew(fans, signal)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
});

test('what is not there is created once, where the options allow it', async () => {
  const { state, lists } = start();
  const wanted = { list: 'Fans', createList: true };
  await Promise.all([lists.get(wanted, signal), lists.get(wanted, signal)]);
  expect(state.created).toBe(1);
  await expect(start().lists.get(fans, signal)).rejects.toThrow('Failed to find Fans. Create it.');
});

/**
 * What two processes have when both make a list that is not there; a vendor of unique names refuses
 * the second with this class.
 */
async function makeAtOnce(refusal?: DestinationErrorClass) {
  const there: string[] = [];
  const process = (id: string) =>
    new NamedLists<Options, string, string>({
      find: () => Promise.resolve([...there]),
      mayCreate: () => true,
      create: () => {
        if (refusal !== undefined && there.length > 0) return Promise.reject(new DestinationError(refusal, 'Taken.'));
        // The vendor lists the oldest first, and this process made its own at the same time.
        there.push(id);
        return Promise.resolve([id]);
      },
      choose: ([oldest = '']) => ({ use: oldest }),
    });
  return await Promise.all(['1', '2'].map((id) => process(id).get(fans, signal)));
}

test('processes that create a list at the same time take the same one', async () => {
  expect(await makeAtOnce()).toEqual(['1', '1']);
});

test('a process that may not create a list, for another just did, takes that one', async () => {
  expect(await makeAtOnce('set-up')).toEqual(['1', '1']);
  expect(await makeAtOnce('invalid')).toEqual(['1', '1']);
  await expect(makeAtOnce('throttled')).rejects.toMatchObject({ class: 'throttled' });
});

test('a list that the vendor does not show yet is the one that was created, and a refusal to create it stays one', async () => {
  const process = (create: () => Promise<readonly string[]>) =>
    new NamedLists<Options, string, string>({
      find: () => Promise.resolve([]),
      mayCreate: () => true,
      create,
      choose: ([first]) => (first === undefined ? { refuse: 'There is none.' } : { use: first }),
    });
  expect(await process(() => Promise.resolve(['1'])).get(fans, signal)).toBe('1');
  const refused = process(() => Promise.reject(new DestinationError('set-up', 'No permission.')));
  await expect(refused.get(fans, signal)).rejects.toThrow('No permission.');
});

test('a problem is said, and nothing created', async () => {
  const { state, lists } = start('Fans', 'Fans');
  expect(await lists.problem(fans, signal)).toContain('several');
  expect(await lists.problem({ list: 'Others' }, signal)).toContain('Failed to find Others');
  expect(await lists.problem({ list: 'Others', createList: true }, signal)).toBeUndefined();
  expect(state.created).toBe(0);
});

test('a look-up that fails leaves no doubt, and is not remembered', async () => {
  const { state, lists } = start('Fans');
  state.isDown = true;
  for (const asked of [() => lists.get(fans, signal), () => lists.problem(fans, signal)])
    await expect(asked()).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  state.isDown = false;
  expect(await lists.get(fans, signal)).toEqual({ id: 'Fans' });
});

test('a list that the vendor refuses to give, make or read is of the set-up, and of no row', async () => {
  const refusal = () => Promise.reject(new DestinationError('invalid', 'Failed: 400.', { doubt: 'answered' }));
  const [none, one] = [() => Promise.resolve([]), () => Promise.resolve(['Fans'])];
  for (const [find, create, choose] of [
    [refusal, one, () => ({ use: 'Fans' })],
    [none, refusal, () => ({ use: 'Fans' })],
    [none, one, refusal],
  ] as const) {
    const lists = new NamedLists<Options, string, string>({ find, mayCreate: () => true, create, choose });
    await expect(lists.get(fans, signal)).rejects.toMatchObject({
      class: 'set-up',
      message: 'Failed: 400.',
      doubt: undefined,
    });
  }
});

test('the lists of several routes are probed without making any', async () => {
  const { state, lists } = start('Fans', 'Twice', 'Twice');
  const routes = [fans, { list: 'New', createList: true }, { list: 'Twice' }, { list: 'Gone' }];
  expect(await lists.probe(routes, signal)).toEqual([
    'Failed to use Twice: there are several. Name it by id.',
    'Failed to find Gone. Create it.',
  ]);
  expect(state.created).toBe(0);
});
