import type { Control } from '@activation-hub/delivery';
import type { RouteStory, StoryAction, StoryDeadLetter } from './person-story.ts';

/** What a person can do about where a route stands. */
export function actionsFor(
  {
    destination,
    audience,
    mode,
    state,
    pause,
  }: Pick<RouteStory, 'destination' | 'audience' | 'mode' | 'state'> & { readonly pause: Control | undefined },
  letters: readonly StoryDeadLetter[],
): readonly StoryAction[] {
  const resync = (says: string): StoryAction => ({
    action: 'resync',
    command: ['activation', 'resync', destination, '--audience', audience],
    says,
  });
  // By the names that the letters have: the command may be run without an activation file.
  const kinds = letters.map((letter) => ['--destination', letter.destination ?? destination, '--class', letter.class]);
  const replays = [...new Map(kinds.map((kind) => [kind.join(' '), kind])).values()].map((kind): StoryAction => ({
    action: 'replay',
    command: ['activation', 'dead-letters', 'replay', ...kind],
    says: 'Remove the cause, then replay the dead letters.',
  }));
  if (pause !== undefined) return [resumeOf(pause)];
  if (mode === 'gone')
    return [
      {
        action: 'plan',
        command: ['activation', 'plan'],
        says: 'The file has no such route any more: the plan says how to take out who is left behind.',
      },
    ];
  if (mode === 'retired') {
    const says = 'Takes everybody out whom the destination was told of.';
    return state === 'retired'
      ? []
      : [{ action: 'retire', command: ['activation', 'retire', destination, '--audience', audience], says }];
  }
  switch (state) {
    case 'rejected':
    case 'not-found':
    case 'unknown':
      return replays;
    case 'given-up':
      return [...replays, resync('Tells everybody on the route again, those who were given up too.')];
    case 'waiting':
      return [
        {
          action: 'retry-now',
          command: ['activation', 'retry-now', destination],
          says: 'Tries at once what waits for the destination, when it is mended.',
        },
      ];
    case 'paused':
      return mode === 'live' ? [resync('Tells everybody on the route at once; else the next export does.')] : [];
    case 'perhaps-told':
    case 'waiting-for-nothing':
      return [resync('Tells everybody on the route again; else the next change of the person does.')];
    default:
      return [];
  }
}

function resumeOf({ destination, audience }: Control): StoryAction {
  const scope = [destination ?? '--everything', ...(audience === undefined ? [] : ['--audience', audience])];
  return {
    action: 'resume',
    command: ['activation', 'resume', ...scope],
    says: 'Ends the pause: what waited is told.',
  };
}
