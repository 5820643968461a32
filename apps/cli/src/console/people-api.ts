import {
  countResync,
  explain,
  findForms,
  presentKey,
  resync,
  takeOut,
  type FoundForms,
  type PersonStory,
  type StoryEvent,
} from '@activation-hub/activation';
import type { ActResult, PersonEvent, PersonRoute, PersonView } from '@activation-hub/console-contract';
import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import type { Control } from '@activation-hub/delivery';
import {
  isUnreadableRow,
  UnreadableRowCount,
  type Identity,
  type LedgerKey,
  type UnreadableRows,
} from '@activation-hub/membership';
import { z } from 'zod';
import { counted } from '../terminal/counted.ts';
import { quoted } from '../terminal/quoted.ts';
import { erasurePlaces, everyErasurePlace } from '../operate/erasure-places.ts';
import { adviceOf, erase } from '../operate/forget.ts';
import { keptControls } from '../operate/paused.ts';
import { readPerson } from '../operate/person.ts';
import { unreadableRowsWords } from '../operate/unreadable-rows.ts';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';
import type { DataStorage } from '../environment/data-storage.ts';
import { atDestination, type Operator } from './operator.ts';
import { read } from './read-body.ts';

const people = z.array(z.string().min(3)).min(1).max(50);
const explainSchema = z.object({ people });
const actSchema = z.object({ people, dryRun: z.boolean(), destination: z.string().exactOptional() });

/**
 * One person: the story, telling a destination of them again, taking them out of it, erasing what
 * is kept of them.
 */
export function peopleApi(operator: Operator): Api {
  return {
    'POST people/explain': async ({ body, signal }): Promise<PersonView> => {
      const identities = read(explainSchema, body).people.map(readPerson);
      const { file, storage, terminal, now } = operator;
      const { ledger, retryQueue, deadLetters } = storage;
      const controls = await keptControls(storage.controls, file, { interrupted: signal, say: terminal.say });
      const places = await everyErasurePlace(file, storage, signal);
      const of = { file, matcher: createMatcher(file), places, nowMs: now() };
      return viewOf(await explain(identities, { ...of, ledger, retryQueue, deadLetters, controls }, signal), operator);
    },
    'POST people/resync': async ({ body, signal }): Promise<ActResult> => {
      const { people: asked, dryRun, destination } = read(actSchema, body);
      if (destination === undefined) throw new ApiError(422, 'Say which destination is told of the person again.');
      const key = presentKey(destination, createMatcher(operator.file));
      return await tellAgain({ identities: asked.map(readPerson), destination: key, dryRun }, operator, signal);
    },
    'POST people/take-out': async ({ body, signal }): Promise<ActResult> => {
      const { people: asked, dryRun, destination } = read(actSchema, body);
      if (destination === undefined) throw new ApiError(422, 'Say of which destination the person is taken out.');
      const key = presentKey(destination, createMatcher(operator.file));
      return await takeOutOf({ identities: asked.map(readPerson), destination: key, dryRun }, operator, signal);
    },
    'POST people/erase': async ({ body, signal }): Promise<ActResult> => {
      const { people: asked, dryRun } = read(actSchema, body);
      return await eraseEverywhere(asked.map(readPerson), dryRun, operator, signal);
    },
  };
}

/** What is done about one person at one destination. */
interface ActAtDestination {
  readonly identities: readonly Identity[];
  readonly destination: string;
  readonly dryRun: boolean;
}

/** Does something about the person, in the forms of one destination, where it has a row of them. */
async function actAt(
  { identities, destination }: ActAtDestination,
  { file, storage }: Pick<Operator, 'file' | 'storage'>,
  signal: AbortSignal,
  act: (found: FoundForms) => Promise<ActResult>,
): Promise<ActResult> {
  const ledgerName = file.destinations.get(destination)?.ledgerName;
  const places = (await erasurePlaces(file)).filter((place) => place.ledgerName === ledgerName);
  const [found] = await findForms(identities, places, storage.ledger, signal);
  return found === undefined
    ? { lines: [`${destination} knows no person with these identities.`], problems: [] }
    : await act(found);
}

/** Tells a destination again what the ledger knows of the person, as after a repair there. */
function tellAgain(asked: ActAtDestination, operator: Operator, signal: AbortSignal): Promise<ActResult> {
  const { destination, dryRun } = asked;
  return actAt(asked, operator, signal, ({ forms }) =>
    atDestination(operator, destination, async (context) => {
      const walk = { context, destination, identities: forms };
      if (dryRun) {
        const { rows, unreadable } = await countResync(walk, signal);
        const lines = [`Would tell ${destination} of ${counted(rows, 'membership')}.`];
        return { lines, problems: unreadableRowsWords(unreadable) };
      }
      const { delivered, deferred, reasons, unreadable: unread } = await resync(walk, { signal });
      const waiting = deferred === 0 ? '' : `; ${deferred} ${deferred === 1 ? 'waits' : 'wait'} in the retry queue`;
      return {
        lines: [`Told ${destination} of ${counted(delivered, 'membership')}${waiting}.`],
        problems: [...notTaken(reasons), ...unreadableRowsWords(unread)],
      };
    }),
  );
}

function takeOutOf(asked: ActAtDestination, operator: Operator, signal: AbortSignal): Promise<ActResult> {
  const { destination, dryRun } = asked;
  return actAt(asked, operator, signal, async (found) => {
    if (dryRun) {
      const { lines, unreadable } = await exitsOf(found, destination, operator, signal);
      return {
        lines: lines.length === 0 ? [`${destination} has nothing to take back.`] : lines,
        problems: unreadableRowsWords(unreadable),
      };
    }
    const told = await atDestination(operator, destination, (context) =>
      takeOut({ context, destination, identities: found.forms }, { signal }),
    );
    return {
      lines: [
        `${destination} was told of ${counted(told.delivered, 'exit')}; of ${counted(told.unchanged, 'membership')} it had nothing to learn.`,
      ],
      problems: [...notTaken(told.reasons), ...unreadableRowsWords(told.unreadable)],
    };
  });
}

function notTaken(reasons: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(reasons).map(([reason, count]) => `${count} not taken: ${reason}`);
}

/** Of which exits a destination would be told, a line each; and the rows that cannot be read. */
async function exitsOf(
  { ledgerName, forms }: FoundForms,
  destination: string,
  { file, storage }: Pick<Operator, 'file' | 'storage'>,
  signal: AbortSignal,
): Promise<{ readonly lines: readonly string[]; readonly unreadable: UnreadableRows }> {
  const unreadable = new UnreadableRowCount();
  const matcher = createMatcher(file);
  const audienceOf = ({ namespace, id }: LedgerKey['audience']): string => matcher.audience(namespace, id)?.key ?? id;
  const lines: string[] = [];
  for (const identity of forms) {
    for await (const row of storage.ledger.rows({ destination: ledgerName, identity }, signal)) {
      if (isUnreadableRow(row)) unreadable.add(row);
      else if (row.record.delivered?.isMember === true)
        lines.push(
          `${destination} would be told of an exit from ${audienceOf(row.key.audience)}, by ${identity.namespace}.`,
        );
    }
  }
  return { lines, unreadable: unreadable.now };
}

/** Of how many exits each destination would be told: an erasure tells them first. */
async function wouldTell(
  identities: readonly Identity[],
  file: ActivationFile,
  storage: DataStorage,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const found of await findForms(identities, await erasurePlaces(file), storage.ledger, signal)) {
    const entry = [...file.destinations.values()].find(({ ledgerName }) => ledgerName === found.ledgerName);
    if (entry === undefined) continue;
    const { length: exits } = (await exitsOf(found, entry.key, { file, storage }, signal)).lines;
    if (exits > 0) lines.push(`${entry.key} would be told of ${counted(exits, 'exit')}.`);
  }
  return lines;
}

async function eraseEverywhere(
  identities: readonly Identity[],
  dryRun: boolean,
  { file, activationFile, storage, terminal, readSecret }: Operator,
  signal: AbortSignal,
): Promise<ActResult> {
  const { forgotten, told, notInFile } = await erase(
    identities,
    { file, activations: activationFile, tell: !dryRun, dryRun, readSecret },
    storage,
    { ...terminal, interrupted: signal },
  );
  const { retries, deadLetters, rows, unreadable, unreadableRows } = forgotten;
  const counts = Object.entries(rows).map(([name, count]) => `${counted(count, 'row')} of the ledger of ${name}`);
  const verb = dryRun ? 'Would erase' : 'Erased';
  return {
    lines: [
      ...(dryRun ? await wouldTell(identities, file, storage, signal) : []),
      ...told.map(({ destination, exits, isOut, isOutOfAccount }) =>
        isOut
          ? `Told ${destination} of ${counted(exits, 'exit')}${isOutOfAccount ? ', and to take the person out of the whole account' : ''}.`
          : `${destination} did not take the exit, so its rows stay.`,
      ),
      ...[
        `the person's events in ${counted(retries.erased, 'retry', 'retries')}`,
        `in ${counted(deadLetters.erased, 'dead letter')}`,
        ...counts,
      ].map((what) => `${verb} ${what}.`),
    ],
    problems: [
      ...told.flatMap(({ destination, ledgerName, isOut, reason }) =>
        isOut || notInFile.includes(ledgerName)
          ? []
          : [
              `${destination} did not take the exit${reason === undefined ? '.' : `: ${reason}`} Look at its settings and its circuit, and erase the person again.`,
            ],
      ),
      ...notInFile.map((name) => `${name}: ${adviceOf(name, false)}`),
      ...unreadable.map((name) => `${name} cannot be read: the person may be in it.`),
      ...unreadableRowsWords(unreadableRows),
    ],
  };
}

function viewOf(
  { identities, linkedIdentities, routes, events, unreadable, unreadableRows }: PersonStory,
  { activationFile, environment }: Pick<Operator, 'activationFile' | 'environment'>,
): PersonView {
  // Without them a command would look for another file, or at the hub of this machine.
  const place = ['--activations', activationFile, ...(environment === undefined ? [] : ['--environment', environment])];
  return {
    identities: identities.map(words),
    linked: linkedIdentities.map(words),
    routes: routes.map(({ destination, audience, mode, identity, state, says, actions, ...route }) => ({
      destination,
      audience,
      mode,
      ...(identity === undefined ? {} : { identity: words(identity) }),
      state,
      says,
      ...(route.toldAtMs === undefined ? {} : { toldAtMs: route.toldAtMs }),
      ...(route.nextAttemptAtMs === undefined ? {} : { nextAttemptAtMs: route.nextAttemptAtMs }),
      ...(route.pause === undefined ? {} : { pause: pauseView(route.pause) }),
      inDoubt: route.inDoubt,
      deadLetters: route.deadLetters,
      actions: actions.map(({ action, says: why, command }) => ({
        action,
        says: why,
        command: [...command, ...place].map(quoted).join(' '),
      })),
    })),
    events: events.map(eventView),
    unreadable: [...unreadable, ...unreadableRows.names],
  };
}

function pauseView({ by, reason, untilMs, isShadow }: Control): NonNullable<PersonRoute['pause']> {
  return {
    by,
    reason,
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(isShadow === undefined ? {} : { isShadow }),
  };
}

function eventView({ atMs, what, destination, audience, says, transition }: StoryEvent): PersonEvent {
  return {
    atMs,
    what,
    ...(destination === undefined ? {} : { destination }),
    ...(audience === undefined ? {} : { audience }),
    says,
    ...(transition === undefined || transition.times === 1
      ? {}
      : { times: transition.times, firstAtMs: transition.atMs }),
  };
}

function words({ namespace, value }: Identity): string {
  return `${namespace} ${value}`;
}
