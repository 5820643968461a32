import { expect, test } from 'vitest';
import { listConnector } from './list-connector.ts';
import { type ListDescription, ListsByName } from './lists-by-name.ts';
import { ListGone } from './named-lists.ts';
import { DestinationError, SignInError } from './verdict.ts';

interface List {
  readonly id: string;
  readonly name: string;
  readonly isOver?: boolean;
}
interface Options {
  readonly list?: string;
  readonly listId?: string;
  readonly createList: boolean;
}

const never = new AbortController().signal;
const named = (list: string, createList = false): Options => ({ list, createList });

/** A vendor with these lists, one on each page. */
function start(there: readonly List[], more: Partial<ListDescription<Options, List>> = {}) {
  const state = { there: [...there], pages: 0 };
  const lists = new ListsByName<Options, List>({
    vendor: 'Acme',
    what: 'audience',
    page: (from = '0') => {
      state.pages += 1;
      const next = Number(from) + 1;
      return Promise.resolve({
        lists: state.there.slice(Number(from), next),
        next: next < state.there.length ? String(next) : undefined,
      });
    },
    create: (name) => {
      const made = { id: String(100 + state.there.length), name };
      state.there.push(made);
      return Promise.resolve(made);
    },
    unfit: ({ isOver }) => (isOver ? 'it is over. Name another.' : undefined),
    ...more,
  });
  return { state, lists };
}

test('a list is found on a later page, by its name or by its id, and made where the options allow it', async () => {
  const { state, lists } = start([
    { id: '1', name: 'a' },
    { id: '2', name: 'b' },
  ]);
  expect(await lists.get(named('b'), never)).toBe('2');
  expect(await lists.get({ listId: '1', createList: false }, never)).toBe('1');
  expect(await lists.get(named('c', true), never)).toBe('102');
  expect(state.there).toHaveLength(3);
  expect((await lists.all(never)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('of several it is the oldest that can be used, and the probe says that there are several', async () => {
  const three = [
    { id: '30', name: 'a' },
    { id: '4', name: 'a' },
    { id: '3', name: 'a', isOver: true },
  ];
  const { lists } = start(three);
  expect(await lists.get(named('a'), never)).toBe('30');
  expect(await lists.probe([named('a')], never)).toEqual([
    'Acme has 3 audiences named "a": the oldest is used. Write the listId.',
  ]);
  expect(await start(three, { idsGrow: true }).lists.get(named('a'), never)).toBe('4');
});

test('what is not there, or cannot be used, is said with what to do', async () => {
  const { lists } = start([{ id: '1', name: 'old', isOver: true }]);
  expect(await lists.probe([named('old'), named('none'), { listId: '7', createList: false }], never)).toEqual([
    'Failed to use the Acme audience "old": it is over. Name another.',
    'Failed to find the Acme audience "none". Create it, or let the options create it by name (createList: true).',
    'Failed to find the Acme audience with the id 7. Create it, or let the options create it by name (createList: true).',
  ]);
  expect(await lists.found(named('old'), never)).toBeUndefined();
  const { lists: none } = start([], { mayCreate: false, missing: 'Ask Acme.' });
  expect(await none.probe([named('new', true)], never)).toEqual(['Failed to find the Acme audience "new". Ask Acme.']);
});

test('a list by its id is asked for alone where the vendor allows that', async () => {
  const { state, lists } = start([], {
    read: (id) => Promise.resolve(id === '7' ? { id, name: 'seven' } : undefined),
  });
  expect(await lists.found({ listId: '7', createList: false }, never)).toBe('7');
  expect(await lists.found({ listId: '8', createList: false }, never)).toBeUndefined();
  expect(state.pages).toBe(0);
});

test('lists without an end are of the set-up', async () => {
  const { lists } = start([], { page: () => Promise.resolve({ lists: [], next: 'more' }) });
  await expect(lists.get(named('a', true), never)).rejects.toMatchObject({
    class: 'set-up',
    message: expect.stringContaining('there are more than 20 pages') as string,
  });
});

const refusal = (doubt?: 'answered' | 'unanswered') => new DestinationError('invalid', 'Refused.', { doubt });

test.each([
  [undefined, undefined],
  ['answered', 'answered'],
] as const)(
  'a list that is gone is looked up anew; after a doubt of %o what follows has the doubt %o',
  async (doubt, expected) => {
    const { state, lists } = start([{ id: '1', name: 'a' }]);
    const told: string[] = [];
    const call = (id: string) => {
      told.push(id);
      return id === '1' ? Promise.reject(refusal(doubt)) : Promise.resolve('taken');
    };
    await expect(lists.use(named('a'), call, never)).rejects.toMatchObject({ message: 'Refused.', doubt });
    state.there = [{ id: '2', name: 'a' }];
    expect(await lists.use(named('a'), call, never)).toBe('taken');
    expect(told).toEqual(['1', '1', '2']);
    state.there = [];
    const gone = () => Promise.reject(refusal(doubt));
    await expect(lists.use(named('a'), gone, never)).rejects.toMatchObject({ class: 'set-up', doubt: expected });
  },
);

test('a list that is gone is looked up and made once, however many batches find it gone', async () => {
  const { state, lists } = start([{ id: '1', name: 'a' }]);
  const call = (id: string) => (id === '1' ? Promise.reject(refusal(undefined)) : Promise.resolve(id));
  await lists.get(named('a', true), never);
  state.there = [];
  const tell = () => lists.use(named('a', true), call, never);
  expect(await Promise.all([tell(), tell(), tell()])).toEqual(['100', '100', '100']);
  expect(state.there).toHaveLength(1);
});

test('what may still be under way, and what says nothing of the list, is not told again', async () => {
  const ofSignIn = new SignInError('set-up', 'The refresh token has ended.');
  const down = new DestinationError('transient', 'It answered 500.', { doubt: 'answered' });
  const later = new DestinationError('throttled', 'Later.');
  for (const error of [refusal('unanswered'), later, down, ofSignIn, new Error('A defect.')]) {
    const { state, lists } = start([{ id: '1', name: 'a' }]);
    await lists.get(named('a'), never);
    state.pages = 0;
    await expect(lists.use(named('a'), () => Promise.reject(error), never)).rejects.toBe(error);
    expect(state.pages).toBe(0);
  }
  const { state, lists } = start([{ id: '1', name: 'a' }]);
  const gone = () => Promise.reject(new ListGone('transient', 'It answered 404.'));
  await expect(lists.use(named('a'), gone, never)).rejects.toThrow('It answered 404.');
  expect(state.pages).toBe(2);
});

test('a connector of a list tells entries, updates and exits of it, and those whom it can know', async () => {
  const { lists } = start([{ id: '1', name: 'a' }]);
  const told: string[] = [];
  const connector = listConnector(
    lists,
    ({ list, changes, isExit }) => {
      told.push(`${isExit ? 'exit from' : 'entry into'} ${list}: ${changes.length}`);
      return Promise.resolve(changes.map(({ id }) => ({ id, status: 'delivered' })));
    },
    { email: 'E' },
  );
  const delivery = (kind: 'entered' | 'updated' | 'exited', namespace = 'email') => ({
    change: {
      id: `change-${kind}`,
      kind,
      audience: { key: 'fans', namespace: 'ups', id: 'a-1' },
      identity: { namespace, value: 'x' },
      qualifiedAt: '2026-11-29T00:00:00.000Z',
      attributes: {},
    },
    options: named('a'),
  });
  await connector.enter([delivery('entered'), delivery('entered', 'ecid')], never);
  await connector.update([delivery('updated')], never);
  await connector.exit([delivery('exited')], never);
  expect(told).toEqual(['entry into 1: 1', 'entry into 1: 1', 'exit from 1: 1']);
  expect(await connector.probe?.([named('a')], never)).toEqual([]);
});
