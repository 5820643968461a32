import type { Clock } from '@activation-hub/delivery';
import { CommandError } from '../terminal/command-error.ts';
import { report, type ReportOptions } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A part of a deployment: done, or to do. */
export interface Step {
  /** The resource, as the line after "done" or "to do" names it. */
  readonly title: string;
  /** Looks, and changes nothing. */
  isDone(): Promise<boolean>;
  act(): Promise<void>;
  /**
   * That it needs roles which were just given: it is tried again while Azure does not know them
   * everywhere.
   */
  readonly needsNewRoles?: true;
}

/** For how long a step is tried again that needs new roles, and how often. */
const patienceMs = 10 * 60_000;
const retryEveryMs = 20_000;

/**
 * Does each step that is not done, in their order, and looks at it again. Gives how many were left
 * to do. Throws `CommandError` (1) where a step has ended well and is not done all the same.
 */
export async function runSteps(
  steps: readonly Step[],
  terminal: Pick<Terminal, 'print' | 'say' | 'columns' | 'interrupted'>,
  options: ReportOptions & { readonly dryRun?: true; readonly clock: Pick<Clock, 'now' | 'sleep'> },
): Promise<number> {
  const { dryRun, clock } = options;
  const say = (number: number, step: string, state: 'done' | 'doing' | 'to do'): void =>
    report(
      { event: 'step', number, of: steps.length, step, state },
      () => `${String(number).padStart(2)}/${steps.length} ${state.padEnd(6)} ${step}`,
      options,
      terminal,
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
    await actPatiently(step, terminal, clock);
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

/**
 * A first `stack init` right after the bootstrap meets a vault and a storage account that do not
 * know their roles yet.
 */
async function actPatiently(
  step: Step,
  { say, interrupted }: Pick<Terminal, 'say' | 'interrupted'>,
  clock: Pick<Clock, 'now' | 'sleep'>,
): Promise<void> {
  const startedMs = clock.now();
  for (;;) {
    try {
      await step.act();
      return;
    } catch (error) {
      const isOver = clock.now() - startedMs + retryEveryMs > patienceMs;
      if (step.needsNewRoles === undefined || isOver || interrupted.aborted || !(error instanceof CommandError))
        throw error;
      say(
        `It was refused. Roles that were just given take minutes until Azure knows them everywhere; the next try is in ${retryEveryMs / 1000} s. Ctrl-C stops it.`,
      );
      await clock.sleep(retryEveryMs, interrupted);
    }
  }
}
