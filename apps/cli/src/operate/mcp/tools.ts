import type { Api, ApiRequest } from '../../console/console-server.ts';
import type { DestinationView, HeldView, InspectedExport, PersonView } from '@activation-hub/console-contract';
import { z } from 'zod';
import { controlsApi } from '../../console/controls-api.ts';
import { deadLetterOf, filterSchema, listLetters, replayLetters } from '../../console/dead-letters-api.ts';
import { destinationsApi } from '../../console/destinations-api.ts';
import type { ReadLag } from '../../console/environment-place.ts';
import { fileApi } from '../../console/file-api.ts';
import { inspectApi } from '../../console/inspect-api.ts';
import { Jobs } from '../../console/jobs.ts';
import { lookAtLedger, type LedgerLook } from '../../console/ledger-look.ts';
import type { Operator } from '../../console/operator.ts';
import { peopleApi } from '../../console/people-api.ts';
import { maskedHeld, maskedInspection, maskedStory } from './masked.ts';

/** What an assistant gave, checked by the tool's own form. */
export type Given = Readonly<Record<string, unknown>>;

/** Something that an assistant may ask for. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** Whether it changes something. */
  readonly isChange: boolean;
  /** Throws in words. */
  readonly run: (given: Given, place: Place, signal: AbortSignal) => Promise<unknown>;
}

/** What the tools look at. */
export interface Place {
  readonly operator: Operator;
  readonly readLag: ReadLag;
}

export interface ToolOptions {
  readonly allowsChanges: boolean;
  readonly showsPeople: boolean;
}

const destination = z.string().describe('key of the destination in the activation file');
const scope = {
  destination: destination.exactOptional().describe('key of the destination; left out, everything is meant'),
  audience: z.string().exactOptional().describe('key of the audience, for one route of the destination'),
};
const reason = z.string().describe('why, in words for those who see it');
const people = z.array(z.string()).describe('every identity of the person that is known, each as namespace:identity');
const filter = filterSchema.describe(
  'which dead letters; times in epoch milliseconds; reason is text within the reason',
);
const hidden = 'Not shown: this server was started without --show-people.';

/**
 * Everything that an assistant may ask for: the reads of the console, and where changes are
 * allowed, some of what one does there.
 */
export function toolsOf({ allowsChanges, showsPeople }: ToolOptions): readonly Tool[] {
  const reads = [
    ...storyTools(showsPeople),
    ...deadLetterTools(showsPeople),
    ...environmentTools,
    heldTool(showsPeople),
  ];
  return allowsChanges ? [...reads, ...changeTools] : reads;
}

function storyTools(showsPeople: boolean): readonly Tool[] {
  return [
    tool({
      name: 'explain',
      description:
        "One person's story: where each route stands with them, what was told to whom, when and why, what waits and until when, dead letters, and what to do about it. Looks into every waiting retry and every dead letter.",
      input: z.object({ people }),
      run: async (given, { operator }, signal) => {
        const story = (await asking(peopleApi(operator))('POST people/explain', { body: given, signal })) as PersonView;
        return showsPeople ? story : maskedStory(story);
      },
    }),
    tool({
      name: 'inspect',
      description:
        'What the hub would do with one export of AEP, if the ledger were empty: what each stage decides and why, and which requests it would send. Nothing is sent.',
      input: z.object({ body: z.string().describe('the body of the event, as AEP sends it: JSON') }),
      run: async (given, { operator }, signal) => {
        const inspected = (await asking(inspectApi(operator))('POST inspect', {
          body: given,
          signal,
        })) as InspectedExport;
        return showsPeople ? inspected : { ...maskedInspection(inspected), note: hidden };
      },
    }),
  ];
}

function deadLetterTools(showsPeople: boolean): readonly Tool[] {
  return [
    tool({
      name: 'dead_letters',
      description:
        'Dead letters, which are not tried again by themselves, the newest first: counts by destination and class, and each with its reasons.',
      input: z.object({ filter: filter.exactOptional() }),
      run: ({ filter: given = {} }, { operator }, signal) => listLetters(given, operator, signal),
    }),
    tool({
      name: 'dead_letter',
      description: 'One dead letter by its name, with its reasons and the event as AEP sent it.',
      input: z.object({ name: z.string() }),
      run: async ({ name }, { operator }, signal) => {
        const letter = await deadLetterOf(name, operator, signal);
        return showsPeople ? letter : { ...letter, body: hidden };
      },
    }),
  ];
}

function heldTool(showsPeople: boolean): Tool {
  return tool({
    name: 'held',
    description:
      'What a destination would be told if what waits for it were tried now, as in a shadow, a pause or an outage: how many people enter, change and leave by route, whom the connector would refuse and why, and the requests. A dry run: nothing is sent.',
    input: z.object({ destination, audience: scope.audience }),
    run: async ({ destination: key, audience }, { operator }, signal) => {
      const body = audience === undefined ? {} : { audience };
      const api = destinationsApi(operator, new Jobs(), () => ({ failures: [] }));
      const held = (await asking(api)('POST destinations/*/held', { name: key, body, signal })) as HeldView;
      return showsPeople ? held : { ...maskedHeld(held), note: hidden };
    },
  });
}

const none = z.object({});

const environmentTools: readonly Tool[] = [
  tool({
    name: 'destinations',
    description:
      'Each destination: settings (secrets by their names alone), limits, routes, what waits for it, when it took something last, and what it did not take and why. Reads the ledger.',
    input: none,
    run: async (_given, { operator }, signal) => {
      const look = await lookAtLedger(operator.file, operator.storage.ledger, operator.now, signal);
      const views = (await asking(destinationsApi(operator, new Jobs(), seenBy(look)))('GET destinations', {
        signal,
      })) as readonly DestinationView[];
      return { destinations: views, routes: look.cells, ...(look.isCut ? { note: cutNote } : {}) };
    },
  }),
  tool({
    name: 'pauses',
    description: 'What operators have paused or put into shadow: what, since when, until when, by whom and why.',
    input: none,
    run: async (_given, { operator }, signal) => ({
      pauses: await asking(controlsApi(operator))('GET pauses', { signal }),
    }),
  }),
  tool({
    name: 'plan',
    description:
      'Compares the activation file with what destinations were told: members of each route, which routes are new, and who would be left behind. Reads every row of the ledger.',
    input: none,
    run: (_given, { operator }, signal) => asking(fileApi(operator))('GET plan', { signal }),
  }),
  tool({
    name: 'lag',
    description:
      'How many events of each partition of the event hub the function app has not settled yet, and since when the oldest waits.',
    input: none,
    run: async (_given, { readLag }, signal) => ({ partitions: await readLag(signal) }),
  }),
];

const pauseInput = z.object({
  ...scope,
  reason,
  untilMs: z.number().int().exactOptional().describe('when it ends by itself'),
});

const changeTools: readonly Tool[] = [
  tool({
    name: 'pause',
    isChange: true,
    description:
      'Pauses a destination, one of its routes or everything, without a deployment. Its changes wait and are sent when the pause is over.',
    input: pauseInput,
    run: (given, { operator }, signal) => asking(controlsApi(operator))('POST controls/pause', { body: given, signal }),
  }),
  tool({
    name: 'shadow',
    isChange: true,
    description:
      'Puts a destination, one of its routes or everything into shadow: a pause in which the tool held says what would be told. Ends by resume.',
    input: pauseInput,
    run: (given, { operator }, signal) =>
      asking(controlsApi(operator))('POST controls/pause', { body: { ...given, isShadow: true }, signal }),
  }),
  tool({
    name: 'resume',
    isChange: true,
    description: 'Ends exactly the pause of this destination, route or everything; what waited is told.',
    input: z.object(scope),
    run: (given, { operator }, signal) =>
      asking(controlsApi(operator))('POST controls/resume', { body: { ...given, reason: '' }, signal }),
  }),
  tool({
    name: 'retry_now',
    isChange: true,
    description: 'Tries at once what waits for a destination that was mended, or for all of them.',
    input: z.object({ destination: scope.destination, reason }),
    run: (given, { operator }, signal) =>
      asking(controlsApi(operator))('POST controls/retry-now', { body: given, signal }),
  }),
  tool({
    name: 'replay',
    isChange: true,
    description:
      'Gives dead letters to the function app again, only to where they had failed. With dryRun it counts them and changes nothing: do that first.',
    input: z.object({ filter, dryRun: z.boolean() }),
    run: ({ filter: given, dryRun }, { operator }, signal) =>
      replayLetters(given, dryRun, operator, { onProgress: () => undefined, signal }),
  }),
];

const cutNote = 'The ledger has more rows than were read: the numbers are too low.';

function seenBy({ destinations }: LedgerLook) {
  return (key: string) => {
    const { waiting = 0, toldAtMs, failures = [] } = destinations.get(key) ?? {};
    return { failures, ledger: { waiting, ...(toldAtMs === undefined ? {} : { toldAtMs }) } };
  };
}

/** Asks the same as the page does. */
function asking(api: Api) {
  return async (
    pattern: string,
    { name = '', body, signal }: Pick<ApiRequest, 'signal'> & { readonly name?: string; readonly body?: unknown },
  ) => await api[pattern]?.({ name, query: new URLSearchParams(), body, signal });
}

/** Its form is strict: a misspelt `destination` that was left out would mean everything. */
function tool<Input extends z.ZodObject>({
  isChange = false,
  input,
  run,
  ...of
}: {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  readonly isChange?: boolean;
  readonly run: (given: z.output<Input>, place: Place, signal: AbortSignal) => Promise<unknown>;
}): Tool {
  return {
    ...of,
    input: input.strict(),
    isChange,
    run: (given, place, signal) => run(given as z.output<Input>, place, signal),
  };
}
