import type { Control } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { storyStates, type RouteStory, type StoryDeadLetter, type StoryState } from './person-story.ts';
import { actionsFor } from './story-actions.ts';

const letter = (cause: string): StoryDeadLetter => ({
  name: cause,
  destination: 'crm',
  outcome: 'rejected',
  class: cause,
  attempts: 1,
  enqueuedAtMs: 0,
  givenUpAtMs: 0,
  failures: [],
});

/** The commands and what they are for, of a route of the fans at `crm`. */
function commands(
  state: StoryState,
  {
    mode = 'live',
    pause,
    letters = [],
  }: { mode?: RouteStory['mode']; pause?: Control; letters?: readonly StoryDeadLetter[] } = {},
): readonly string[] {
  return actionsFor({ destination: 'crm', audience: 'fans', mode, state, pause }, letters).map(
    ({ action, command, says }) => {
      // The word of the action is that of the command.
      expect(command).toContain(action);
      return `${command.join(' ')}: ${says}`;
    },
  );
}

const again = 'activation resync crm --audience fans: Tells everybody on the route again';
const replay = (cause: string): string =>
  `activation dead-letters replay --destination crm --class ${cause}: Remove the cause, then replay the dead letters.`;

test('where there is something to do about a live route, a command says it', () => {
  const all = storyStates.map((state) => [state, commands(state)] as const);
  expect(Object.fromEntries(all.filter(([, list]) => list.length > 0))).toEqual({
    waiting: ['activation retry-now crm: Tries at once what waits for the destination, when it is mended.'],
    paused: ['activation resync crm --audience fans: Tells everybody on the route at once; else the next export does.'],
    'perhaps-told': [`${again}; else the next change of the person does.`],
    'waiting-for-nothing': [`${again}; else the next change of the person does.`],
    'given-up': [`${again}, those who were given up too.`],
  });
});

test('dead letters are replayed by their class, each once, where the destination did not take what it was told', () => {
  const letters = ['invalid', 'transient', 'invalid'].map(letter);
  const replays = ['invalid', 'transient'].map(replay);
  for (const state of ['rejected', 'not-found', 'unknown'] as const)
    expect(commands(state, { letters })).toEqual(replays);
  expect(commands('given-up', { letters })).toEqual([...replays, `${again}, those who were given up too.`]);
  expect(commands('told', { letters })).toEqual([]);
});

test('dead letters are replayed by the name that each has for its destination, or else by its present one', () => {
  const former: StoryDeadLetter = { ...letter('invalid'), destination: 'old-crm' };
  const { destination, ...unnamed } = letter('invalid');
  expect(commands('rejected', { letters: [former, unnamed, former] })).toEqual([
    replay('invalid').replace('crm', 'old-crm'),
    replay('invalid'),
  ]);
  expect(destination).toBe('crm');
});

test('a paused row of a route that is not live has nothing to be done about it', () => {
  for (const mode of ['paused', 'shadow'] as const) expect(commands('paused', { mode })).toEqual([]);
});

test('a retired route takes out who is left, and a route that is gone says so in the plan', () => {
  const retire = 'activation retire crm --audience fans: Takes everybody out whom the destination was told of.';
  expect(commands('told', { mode: 'retired' })).toEqual([retire]);
  expect(commands('retired', { mode: 'retired' })).toEqual([]);
  const plan =
    'activation plan: The file has no such route any more: the plan says how to take out who is left behind.';
  expect(commands('told', { mode: 'gone', letters: [letter('invalid')] })).toEqual([plan]);
});

test('a pause comes first: it is resumed for what it holds, and for nothing less', () => {
  const pause = { action: 'pause', atMs: 0, by: 'ada', reason: 'migration' } as const;
  const resumed = (scope: object): readonly string[] =>
    commands('given-up', { mode: 'gone', pause: { ...pause, ...scope }, letters: [letter('invalid')] });
  const what = 'Ends the pause: what waited is told.';
  expect(resumed({})).toEqual([`activation resume --everything: ${what}`]);
  expect(resumed({ destination: 'crm' })).toEqual([`activation resume crm: ${what}`]);
  expect(resumed({ destination: 'crm', audience: 'fans' })).toEqual([`activation resume crm --audience fans: ${what}`]);
});
