import { expect, test } from 'vitest';
import { Keys, type KeyActs } from './keys.ts';

function open(acts: Partial<KeyActs> = {}, destinations: readonly string[] = ['receiver']) {
  const said: string[] = [];
  const did: string[] = [];
  const act = (name: string) => (): Promise<string> => {
    did.push(name);
    return Promise.resolve(`${name} done`);
  };
  const keys = new Keys(
    {
      openConsole: () => 'opening',
      sendSample: act('sample'),
      pauseOrResume: act('pause'),
      retryNow: act('retry'),
      breaking: {
        destinations: () => destinations,
        break: (destination, fault) => void did.push(`${destination} ${fault}`),
      },
      words: () => ['one', 'two'],
      end: () => void did.push('end'),
      ...acts,
    },
    (line) => void said.push(line),
  );
  const type = async (text: string): Promise<void> => {
    for (const key of text) await keys.press(key);
  };
  return { keys, said, did, type };
}

test('each key does its act, in capitals too, and says what came of it', async () => {
  const { said, did, type } = open();
  await type('osPr?q');
  expect(did).toEqual(['sample', 'pause', 'retry', 'end']);
  expect(said).toEqual(['opening', 'sample done', 'pause done', 'retry done', 'one', 'two']);
});

test('a key that means nothing does nothing, as that of an act that there is not', async () => {
  const keysOfTail = new Keys({ words: () => [], end: () => undefined }, () => {
    throw new Error('said');
  });
  for (const key of 'osprb') await keysOfTail.press(key);
  expect(keysOfTail.prompt).toBeUndefined();
  const { said, did, type, keys } = open();
  await type('xyz1 ');
  expect([...said, ...did, keys.prompt]).toEqual([undefined]);
});

test.each([
  ['r', 'refuses'],
  ['t', 'throttled'],
  ['h', 'hangs'],
  ['d', 'down'],
  ['m', 'none'],
])('b and %s: the only destination is broken, or mended: %s', async (key, fault) => {
  const { keys, did, type } = open();
  await type('b');
  expect(keys.prompt).toMatch(/^Break receiver how\?  r refuse  t throttle  h hang  d down  m mend/);
  await type(key);
  expect(did).toEqual([`receiver ${fault}`]);
  expect(keys.prompt).toBeUndefined();
});

test('of several destinations one is chosen first, and another key chooses none', async () => {
  const { keys, did, type } = open({}, ['crm', 'ads']);
  await type('b');
  expect(keys.prompt).toMatch(/^Break which destination\?  1 crm  2 ads/);
  await type('2h');
  expect(did).toEqual(['ads hangs']);
  await type('b3');
  await type('b1q');
  expect(did).toEqual(['ads hangs']);
  expect(keys.prompt).toBeUndefined();
});

test('where nothing can be broken it is said what can', async () => {
  const { said, keys, type } = open({}, []);
  await type('b');
  expect(keys.prompt).toBeUndefined();
  expect(said).toEqual([expect.stringMatching(/^No destination can be broken: only stand-ins can, of --vendor/)]);
});

test('what fails is said, and the next key works; one that is held down is done once at a time', async () => {
  let fail: (error: Error) => void = () => undefined;
  let asked = 0;
  const { keys, said, did, type } = open({
    sendSample: () => {
      asked += 1;
      return new Promise((_, reject) => (fail = reject));
    },
  });
  const pressed = [keys.press('s'), keys.press('s'), keys.press('s')];
  fail(new Error('Failed to send to the event hub: it is away.'));
  await Promise.all(pressed);
  expect(asked).toBe(1);
  expect(said).toEqual(['Failed to send to the event hub: it is away.']);
  await type('r');
  expect(did).toEqual(['retry']);
});
