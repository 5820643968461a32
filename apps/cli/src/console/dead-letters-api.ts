import type {
  ActResult,
  DeadLetterDetail,
  DeadLetterFilterView,
  DeadLetterList,
  DeadLetterView,
  JobStarted,
} from '@activation-hub/console-contract';
import { presentKey, routedAudiences, storedNames } from '@activation-hub/activation';
import { createMatcher, type Matcher } from '@activation-hub/activation-file';
import {
  candidateNames,
  DeadLetterCounts,
  isUnreadable,
  purgeDeadLetters,
  readSelected,
  replayDeadLetters,
  systemClock,
  type DeadLetter,
  type DeadLetterCount,
  type DeadLetterFilter,
} from '@activation-hub/delivery';
import { z } from 'zod';
import { counted } from '../terminal/counted.ts';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';
import type { Jobs, OnProgress } from './jobs.ts';
import type { Operator } from './operator.ts';
import { read } from './read-body.ts';

/** So many letters are listed. */
const listMax = 300;
/** So many are read for a list, where few of those that are read pass the filter. */
const readsMax = 3_000;

/** Strict, for a filter that says nothing means every letter. */
export const filterSchema = z.strictObject({
  destination: z.string().exactOptional(),
  class: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  fromMs: z.number().exactOptional(),
  toMs: z.number().exactOptional(),
  name: z.string().exactOptional(),
  givenUpToMs: z.number().exactOptional(),
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
        const selected = selectedBy(filter, operator);
        const names = await namesOf(filter, operator, signal);
        onProgress(0, names.length);
        const { purged, newestGivenUpAtMs, unreadable } = await purgeDeadLetters(names, selected, deadLetters, {
          signal,
          dryRun,
          onProgress: (done) => onProgress(done, names.length),
        });
        if (!dryRun) onChanged();
        return {
          lines: lines(dryRun ? 'Would delete' : 'Deleted', purged, operator),
          problems: unreadableWords(unreadable),
          ...(newestGivenUpAtMs === undefined ? {} : { newestGivenUpAtMs }),
        };
      });
    },
  };
}

/** One letter, with its event. Throws `ApiError` when it is not there any more. */
export async function deadLetterOf(
  name: string,
  { file, storage }: Operator,
  signal: AbortSignal,
): Promise<DeadLetterDetail> {
  const letter = await storage.deadLetters.read(name, signal);
  if (letter === undefined)
    throw new ApiError(404, 'There is no dead letter of that name any more: it was replayed or purged.');
  return { ...viewOf(name, letter, createMatcher(file)), body: Buffer.from(letter.event.body).toString() };
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
  const selected = selectedBy(filter, operator);
  const { replayed, tooOld, left, unreadable } = await replayDeadLetters(names, selected, operator.storage, {
    clock: systemClock,
    signal,
    routed: routedAudiences(operator.file, createMatcher(operator.file)),
    dryRun,
    onProgress: (done) => onProgress(done, names.length),
  });
  const old = `${tooOld} are too old to be replayed: the ledger may have forgotten what came after. Purge them.`;
  const stay = `${left} stay: the activation file has no route for their changes. Add the route, or purge them.`;
  return {
    lines: lines(dryRun ? 'Would replay' : 'Replayed', replayed, operator),
    problems: [...(tooOld > 0 ? [old] : []), ...(left > 0 ? [stay] : []), ...unreadableWords(unreadable)],
  };
}

/** The newest letters that pass the filter, and how many there are. */
export async function listLetters(
  filter: DeadLetterFilterView,
  operator: Operator,
  signal: AbortSignal,
): Promise<DeadLetterList> {
  const { deadLetters } = operator.storage;
  const matcher = createMatcher(operator.file);
  const selected = selectedBy(filter, operator);
  const names = (await candidateNames(deadLetters, selected, signal)).toReversed();
  const letters: DeadLetterView[] = [];
  const counts = new DeadLetterCounts();
  let looked = Math.min(names.length, readsMax);
  for await (const found of readSelected(deadLetters, names.slice(0, readsMax), selected, signal)) {
    if (isUnreadable(found)) {
      counts.unreadable.push(found.unreadable);
      continue;
    }
    counts.add(found.letter);
    letters.push(viewOf(found.name, found.letter, matcher));
    if (letters.length < listMax) continue;
    looked = names.indexOf(found.name) + 1;
    break;
  }
  return {
    letters: letters.toSorted((left, right) => right.givenUpAtMs - left.givenUpAtMs),
    counts: underPresentKeys(counts.values(), matcher),
    unreadable: counts.unreadable,
    more: names.length - looked,
  };
}

async function namesOf(
  filter: DeadLetterFilterView,
  operator: Operator,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return filter.name === undefined
    ? await candidateNames(operator.storage.deadLetters, selectedBy(filter, operator), signal)
    : [filter.name];
}

/** The letters of a destination are selected under all of its names. */
function selectedBy(
  { destination, class: cause, reason, fromMs, toMs, givenUpToMs }: DeadLetterFilterView,
  { file }: Pick<Operator, 'file'>,
): DeadLetterFilter {
  return {
    ...(destination === undefined ? {} : { destinations: storedNames(destination, createMatcher(file)) }),
    ...(cause === undefined ? {} : { class: cause }),
    ...(reason === undefined ? {} : { reason }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(givenUpToMs === undefined ? {} : { givenUpToMs }),
  };
}

/** The counts by what destinations are called now. */
function underPresentKeys(counts: readonly DeadLetterCount[], matcher: Matcher): readonly DeadLetterCount[] {
  const sums = new Map<string, DeadLetterCount>();
  for (const { destination: name, class: cause, letters } of counts) {
    const destination = presentKey(name, matcher);
    const of = `${destination}/${cause}`;
    sums.set(of, { destination, class: cause, letters: letters + (sums.get(of)?.letters ?? 0) });
  }
  return [...sums.values()];
}

function unreadableWords(names: readonly string[]): readonly string[] {
  return names.map((name) => `${name} cannot be read.`);
}

function lines(did: string, counts: readonly DeadLetterCount[], { file }: Pick<Operator, 'file'>): readonly string[] {
  if (counts.length === 0) return [`${did} nothing.`];
  return underPresentKeys(counts, createMatcher(file)).map(({ destination, class: cause, letters }) => {
    const what = counted(letters, 'dead letter');
    return `${did} ${what} of ${destination === '_event' ? 'unreadable events' : destination}, ${cause}.`;
  });
}

function viewOf(name: string, letter: DeadLetter, matcher: Matcher): DeadLetterView {
  const { destination, outcome, attempts, givenUpAtMs, event, failures } = letter;
  return {
    name,
    ...(destination === undefined ? {} : { destination: presentKey(destination, matcher) }),
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
