import type {
  ActResult,
  DeadLetterDetail,
  DeadLetterFilterView,
  DeadLetterList,
  DeadLetterView,
  JobStarted,
} from '@activation-hub/console-contract';
import {
  candidateNames,
  DeadLetterCounts,
  isTooOldToReplay,
  isUnreadable,
  readSelected,
  replayDeadLetters,
  systemClock,
  type DeadLetter,
  type DeadLetterCount,
} from '@activation-hub/delivery';
import { z } from 'zod';
import { counted } from '../terminal/counted.ts';
import { routedAudiences } from '../operate/dead-letters.ts';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';
import type { Jobs, OnProgress } from './jobs.ts';
import type { Operator } from './operator.ts';
import { read } from './read-body.ts';

/** So many letters are read for one list. */
const listMax = 300;

/** Strict, for a filter that says nothing means every letter. */
export const filterSchema = z.strictObject({
  destination: z.string().exactOptional(),
  class: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  fromMs: z.number().exactOptional(),
  toMs: z.number().exactOptional(),
  name: z.string().exactOptional(),
});
const actSchema = z.strictObject({ filter: filterSchema, dryRun: z.boolean() });

/** What will not be tried again by itself: looked at, replayed and deleted. */
export function deadLettersApi(operator: Operator, jobs: Jobs, onChanged: () => void): Api {
  const { deadLetters } = operator.storage;
  return {
    'POST dead-letters/list': ({ body, signal }) => listLetters(read(filterSchema, body), operator, signal),
    'GET dead-letters/*': ({ name, signal }) => deadLetterOf(name, operator, signal),
    'POST dead-letters/replay': ({ body }): JobStarted => {
      const { filter, dryRun } = read(actSchema, body);
      return jobs.start(async (onProgress, signal) => {
        const result = await replayLetters(filter, dryRun, operator, { onProgress, signal });
        if (!dryRun) onChanged();
        return result;
      });
    },
    'POST dead-letters/purge': ({ body }): JobStarted => {
      const { filter, dryRun } = read(actSchema, body);
      return jobs.start(async (onProgress, signal) => {
        const names = await namesOf(filter, operator, signal);
        onProgress(0, names.length);
        if (dryRun) return await dryRunOf('Would delete', names, filter, operator, signal);
        const counts = new DeadLetterCounts();
        for await (const found of readSelected(deadLetters, names, filter, signal)) {
          if (isUnreadable(found)) {
            counts.unreadable.push(found.unreadable);
            continue;
          }
          await deadLetters.remove(found.name, signal);
          counts.add(found.letter);
          onProgress(counts.letters, names.length);
        }
        onChanged();
        return resultOf('Deleted', counts);
      });
    },
  };
}

/** One letter, with its event. Throws `ApiError` when it is not there any more. */
export async function deadLetterOf(
  name: string,
  { storage }: Operator,
  signal: AbortSignal,
): Promise<DeadLetterDetail> {
  const letter = await storage.deadLetters.read(name, signal);
  if (letter === undefined)
    throw new ApiError(404, 'There is no dead letter of that name any more: it was replayed or purged.');
  return { ...viewOf(name, letter), body: Buffer.from(letter.event.body).toString() };
}

/** Gives the letters that pass the filter to the function app again, or says which it would. */
export async function replayLetters(
  filter: DeadLetterFilterView,
  dryRun: boolean,
  operator: Operator,
  { onProgress, signal }: { readonly onProgress: OnProgress; readonly signal: AbortSignal },
): Promise<ActResult> {
  const names = await namesOf(filter, operator, signal);
  onProgress(0, names.length);
  if (dryRun) return await dryRunOf('Would replay', names, filter, operator, signal);
  const { replayed, tooOld, left, unreadable } = await replayDeadLetters(names, filter, operator.storage, {
    clock: systemClock,
    signal,
    routed: routedAudiences(operator.file),
    onProgress: (done) => onProgress(done, names.length),
  });
  const old = `${tooOld} are too old to be replayed: the ledger may have forgotten what came after. Purge them.`;
  const stay = `${left} stay: the activation file has no route for their changes. Add the route, or purge them.`;
  return {
    lines: lines('Replayed', replayed),
    problems: [
      ...(tooOld > 0 ? [old] : []),
      ...(left > 0 ? [stay] : []),
      ...unreadable.map((name) => `${name} cannot be read.`),
    ],
  };
}

/** The newest letters that pass the filter, and how many there are. */
export async function listLetters(
  filter: DeadLetterFilterView,
  { storage: { deadLetters } }: Operator,
  signal: AbortSignal,
): Promise<DeadLetterList> {
  const names = (await candidateNames(deadLetters, filter, signal)).toReversed();
  const letters: DeadLetterView[] = [];
  const counts = new DeadLetterCounts();
  for await (const found of readSelected(deadLetters, names.slice(0, listMax), filter, signal)) {
    if (isUnreadable(found)) {
      counts.unreadable.push(found.unreadable);
      continue;
    }
    counts.add(found.letter);
    letters.push(viewOf(found.name, found.letter));
  }
  return {
    letters: letters.toSorted((left, right) => right.givenUpAtMs - left.givenUpAtMs),
    counts: counts.values(),
    unreadable: counts.unreadable,
    more: Math.max(0, names.length - listMax),
  };
}

async function namesOf(
  filter: DeadLetterFilterView,
  { storage: { deadLetters } }: Operator,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return filter.name === undefined ? await candidateNames(deadLetters, filter, signal) : [filter.name];
}

async function dryRunOf(
  did: string,
  names: readonly string[],
  filter: DeadLetterFilterView,
  { storage: { deadLetters }, now }: Operator,
  signal: AbortSignal,
): Promise<ActResult> {
  const counts = new DeadLetterCounts();
  let tooOld = 0;
  for await (const found of readSelected(deadLetters, names, filter, signal)) {
    if (isUnreadable(found)) counts.unreadable.push(found.unreadable);
    else if (did === 'Would replay' && isTooOldToReplay(found.letter, now())) tooOld += 1;
    else counts.add(found.letter);
  }
  const { lines: said, problems } = resultOf(did, counts);
  return { lines: said, problems: tooOld === 0 ? problems : [...problems, `${tooOld} are too old to be replayed.`] };
}

function resultOf(did: string, counts: DeadLetterCounts): ActResult {
  return { lines: lines(did, counts.values()), problems: counts.unreadable.map((name) => `${name} cannot be read.`) };
}

function lines(did: string, counts: readonly DeadLetterCount[]): readonly string[] {
  if (counts.length === 0) return [`${did} nothing.`];
  return counts.map(({ destination, class: cause, letters }) => {
    const what = counted(letters, 'dead letter');
    return `${did} ${what} of ${destination === '_event' ? 'unreadable events' : destination}, ${cause}.`;
  });
}

function viewOf(name: string, letter: DeadLetter): DeadLetterView {
  const { destination, outcome, attempts, givenUpAtMs, event, failures } = letter;
  return {
    name,
    ...(destination === undefined ? {} : { destination }),
    class: letter.class,
    outcome,
    attempts,
    givenUpAtMs,
    enqueuedAtMs: event.enqueuedAtMs,
    reasons: failures.map(({ audience, path, reason }) =>
      [audience, path, reason].filter((word) => word !== undefined).join(': '),
    ),
    bodyBytes: event.body.byteLength,
  };
}
