import { VirtualClock } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { CommandError } from '../terminal/command-error.ts';
import { runSteps, type Step } from './steps.ts';

/** A step that Azure takes from some moment on, and a terminal that keeps what is said. */
function stepFrom(takenAfterMs: number, needsNewRoles?: true) {
  const clock = new VirtualClock(0);
  const said: string[] = [];
  let isDone = false;
  let tries = 0;
  const step: Step = {
    title: 'the stack is there',
    isDone: () => Promise.resolve(isDone),
    act: () => {
      tries += 1;
      if (clock.now() < takenAfterMs) return Promise.reject(new CommandError(1, 'Failed: 403'));
      isDone = true;
      return Promise.resolve();
    },
    ...(needsNewRoles === undefined ? {} : { needsNewRoles }),
  };
  const terminal = {
    print: () => undefined,
    columns: () => undefined,
    say: (line: string) => void said.push(line),
    interrupted: new AbortController().signal,
  };
  const ran = runSteps([step], terminal, { clock });
  return { ran, said, clock, tries: () => tries };
}

test('a step that needs new roles is tried again until Azure knows them, with words', async () => {
  const { ran, said, clock, tries } = stepFrom(100_000, true);
  await clock.advance(600_000);
  await ran;
  expect(tries()).toBe(6);
  expect(said).toHaveLength(5);
  expect(said[0]).toMatch(/^It was refused\. Roles that were just given take minutes .* the next try is in 20 s/);
});

test('after ten minutes it fails as it failed', async () => {
  const { ran, clock, tries } = stepFrom(Infinity, true);
  const failed = expect(ran).rejects.toThrow('Failed: 403');
  await clock.advance(3_600_000);
  await failed;
  expect(tries()).toBe(31);
});

test('any other step fails at once', async () => {
  const { ran, said, tries } = stepFrom(100_000);
  await expect(ran).rejects.toThrow('Failed: 403');
  expect([tries(), said]).toEqual([1, []]);
});
