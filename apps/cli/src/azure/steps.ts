import { CommandError } from '../command-error.ts';
import type { Terminal } from '../terminal.ts';

/** Something that is to be there. */
export interface Step {
  /** What is to be there, to end the line "done" or "to do". */
  readonly title: string;
  /** Looks, and changes nothing. */
  isDone(): Promise<boolean>;
  act(): Promise<void>;
}

/**
 * Does each step that is not done, in their order, and looks at it again. Gives how many were left to do. Throws `CommandError` (1)
 * where a step has ended well and is not done all the same.
 */
export async function runSteps(
  steps: readonly Step[],
  { print }: Terminal,
  { dryRun, json }: { readonly dryRun?: true; readonly json?: true },
): Promise<number> {
  const say = (number: number, step: string, state: 'done' | 'doing' | 'to do'): void =>
    print(
      json === true
        ? JSON.stringify({ event: 'step', number, of: steps.length, step, state })
        : `${String(number).padStart(2)}/${steps.length} ${state.padEnd(6)} ${step}`,
    );
  let left = 0;
  for (const [index, step] of steps.entries()) {
    if (await step.isDone()) {
      say(index + 1, step.title, 'done');
      continue;
    }
    left += 1;
    say(index + 1, step.title, dryRun === true ? 'to do' : 'doing');
    if (dryRun === true) continue;
    await step.act();
    if (!(await step.isDone())) {
      throw new CommandError(
        1,
        `Failed to finish the step "${step.title}": it ran, and what it makes is not there. Start it again.`,
      );
    }
    say(index + 1, step.title, 'done');
  }
  return left;
}
