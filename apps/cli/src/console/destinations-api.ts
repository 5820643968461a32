import { countResync, resync } from '@activation-hub/activation';
import { createMatcher, type DestinationEntry } from '@activation-hub/activation-file';
import type { DestinationView, HeldView, JobStarted, ProbeView } from '@activation-hub/console-contract';
import { versionWarning, type DestinationDefinition } from '@activation-hub/destination-kit';
import { loadDestination } from '@activation-hub/destinations';
import { stringify } from 'yaml';
import { z } from 'zod';
import { probe } from '../activation-file/destinations/probe.ts';
import { counted } from '../terminal/counted.ts';
import { lookAtHeld } from '../operate/look-at-held.ts';
import { unreadableRowsWords } from '../operate/unreadable-rows.ts';
import { openHttp } from '../environment/outbound-http.ts';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';
import type { Jobs } from './jobs.ts';
import { atDestination, type Operator } from './operator.ts';
import { read } from './read-body.ts';

const resyncSchema = z.object({ audience: z.string().exactOptional(), dryRun: z.boolean() });
const heldSchema = z.object({ audience: z.string().exactOptional() });
const usualGiveUpAfterMs = 86_400_000;

/**
 * What is seen of a destination: of each attempt on this machine, by the ledger of an environment.
 */
export type SeenAt = (
  destination: string,
) => Pick<DestinationView, 'failures' | 'requestsLastMinute' | 'busiestSecond' | 'ledger'>;

/**
 * Destinations: how they are set up, what they answered, whether they are well, and telling them
 * everything again.
 */
export function destinationsApi(operator: Operator, jobs: Jobs, seenAt: SeenAt): Api {
  const entryOf = (key: string): DestinationEntry => {
    const entry = createMatcher(operator.file).destination(key);
    if (entry === undefined) throw new ApiError(404, `The activation file has no destination ${key}.`);
    return entry;
  };
  return {
    'GET destinations': () =>
      Promise.all([...operator.file.destinations.values()].map((entry) => viewOf(entry, operator, seenAt(entry.key)))),
    'POST destinations/*/probe': async ({ name, signal }): Promise<ProbeView> => {
      const { outcome, problems } = await probeOf(entryOf(name), operator, signal);
      return { outcome, problems };
    },
    'POST destinations/*/held': ({ name, body, signal }): Promise<HeldView> => {
      const { audience } = read(heldSchema, body);
      const scope = { destination: entryOf(name).key, ...(audience === undefined ? {} : { audience }) };
      return lookAtHeld(scope, operator.file, operator.storage, signal);
    },
    'POST destinations/*/resync': ({ name, body }): JobStarted => {
      const { audience, dryRun } = read(resyncSchema, body);
      const { key } = entryOf(name);
      return jobs.start((onProgress, signal) =>
        atDestination(operator, key, async (context) => {
          const walk = { context, destination: key, ...(audience === undefined ? {} : { audience }) };
          const { rows, unreadable } = await countResync(walk, signal);
          onProgress(0, rows);
          if (dryRun)
            return {
              lines: [`Would tell ${key} of ${counted(rows, 'membership')}.`],
              problems: unreadableRowsWords(unreadable),
            };
          const told = await resync(walk, { signal, onProgress: (counts) => onProgress(counts.rows, rows) });
          return {
            lines: [
              `Told ${key} of ${counted(told.delivered, 'membership')}; ${told.deferred} ${told.deferred === 1 ? 'waits' : 'wait'} in the retry queue.`,
            ],
            problems: [
              ...unreadableRowsWords(told.unreadable),
              ...Object.entries(told.reasons).map(([reason, count]) => `${count} not taken: ${reason}`),
              ...(told.gaveUp
                ? [`${key} took nothing of a whole batch, so the rest was not tried. Mend it, then resync again.`]
                : []),
            ],
          };
        }),
      );
    },
  };
}

async function viewOf(
  entry: DestinationEntry,
  { file, now }: Operator,
  seen: ReturnType<SeenAt>,
): Promise<DestinationView> {
  const { key, type, settings, limits: lower } = entry;
  const definition = await loadDestination(type);
  if (definition === undefined) throw new ApiError(422, `There is no kind of destination called ${type}.`);
  const parsed = definition.settings.parse(settings);
  const limits = definition.limits(parsed);
  const warning = warningOf(definition, parsed, now());
  return {
    key,
    type,
    title: definition.title,
    about: definition.description,
    // As written: a secret is a reference there, and stays one.
    settings: stringify(settings ?? {}).trim(),
    limits: {
      requestsPerSecond: Math.min(limits.requestsPerSecond, lower.requestsPerSecond ?? Infinity),
      concurrency: Math.min(limits.concurrency, lower.concurrency ?? Infinity),
      batchCount: Math.min(limits.batchCount, lower.batchCount ?? Infinity),
      batchBytes: Math.min(limits.batchBytes, lower.batchBytes ?? Infinity),
    },
    giveUpAfterMs: entry.giveUpAfterMs ?? definition.giveUpAfterMs ?? usualGiveUpAfterMs,
    routes: file.routes.flatMap(({ destination, audience, mode }) => (destination === key ? [{ audience, mode }] : [])),
    ...(warning === undefined ? {} : { versionWarning: warning }),
    ...seen,
  };
}

function warningOf({ versions }: DestinationDefinition, settings: unknown, nowMs: number): string | undefined {
  if (versions === undefined) return undefined;
  const version = Object.entries(settings ?? {}).find(([name]) => name === versions.setting)?.[1] as unknown;
  return typeof version === 'string' ? versionWarning(versions, version, nowMs) : undefined;
}

async function probeOf(entry: DestinationEntry, operator: Operator, signal: AbortSignal) {
  const { file, storage, terminal, readSecret } = operator;
  const http = openHttp(terminal, storage);
  try {
    return await probe(entry, { file, http, readSecret, terminal: { ...terminal, interrupted: signal } });
  } finally {
    await http.close();
  }
}
