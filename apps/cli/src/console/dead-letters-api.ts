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
import { routedAudiences } from '../dead-letters.ts';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';
import type { Jobs } from './jobs.ts';
import type { Operator } from './operator.ts';
import { read } from './read-body.ts';

/** So many letters are read for one list. */
const listMax = 300;

const filterSchema = z.object({
  destination: z.string().exactOptional(),
  class: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  fromMs: z.number().exactOptional(),
  toMs: z.number().exactOptional(),
  name: z.string().exactOptional(),
});
const actSchema = z.object({ filter: filterSchema, dryRun: z.boolean() });

/** What will not be tried again by itself: looked at, replayed and deleted. */
export function deadLettersApi(operator: Operator, jobs: Jobs, onChanged: () => void): Api {
  const { deadLetters } = operator.storage;
  return {
    'POST dead-letters/list': ({ body, signal }) => list(read(filterSchema, body), operator, signal),
    'GET dead-letters/*': async ({ name, signal }): Promise<DeadLetterDetail> => {
      const letter = await deadLetters.read(name, signal);
      if (letter === undefined)
        throw new ApiError(404, 'There is no dead letter of that name any more: it was replayed or purged.');
      return { ...viewOf(name, letter), body: Buffer.from(letter.event.body).toString() };
    },
    'POST dead-letters/replay': ({ body }): JobStarted => {
      const { filter, dryRun } = read(actSchema, body);
      return jobs.start(async (onProgress, signal) => {
        const names = await namesOf(filter, operator, signal);
        onProgress(0, names.length);
        if (dryRun) return await dryRunOf('Would replay', names, filter, operator, signal);
        const replayed = await replayDeadLetters(names, filter, operator.storage, {
          clock: systemClock,
          signal,
          routed: routedAudiences(operator.file),
          onProgress: (done) => onProgress(done, names.length),
        });
        onChanged();
        return {
          lines: lines('Replayed', replayed.replayed),
          problems: [
            ...(replayed.tooOld > 0
              ? [
                  `${replayed.tooOld} are too old to be replayed: the ledger may have forgotten what came after. Purge them.`,
                ]
              : []),
            ...(replayed.left > 0
              ? [
                  `${replayed.left} stay: the activation file does not route what had failed to anybody. Mend it, or purge them.`,
                ]
              : []),
            ...replayed.unreadable.map((name) => `${name} cannot be read.`),
          ],
        };
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

async function list(
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
    const what = letters === 1 ? '1 dead letter' : `${letters} dead letters`;
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
