import type { DestinationEntry } from '@activation-hub/activation-file';
import { createTarget, usualRetryAfterMaxMs, type Clock, type Target } from '@activation-hub/delivery';
import {
  formed,
  resolveSecrets,
  versionWarning,
  type DestinationDefinition,
  type ConnectorContext,
  type DestinationLimits,
} from '@activation-hub/destination-kit';
import { loadDestination, type ImportPackage } from './registry.ts';

/** What is needed to turn an entry of the activation file into a destination that can be told. */
export interface SetUpOptions extends Omit<ConnectorContext, 'now'> {
  readonly clock: Clock;
  /**
   * Where a destination that lives outside this repository comes from; by default what is installed
   * beside it.
   */
  readonly importPackage?: ImportPackage;
  /** Gives the value of a secret, or throws with words that say where it was looked for. */
  readonly readSecret: (name: string) => Promise<string>;
  /** Takes a sentence about a version of the vendor's API that ends within 90 days. */
  readonly warn?: (sentence: string) => void;
}

/** Long enough for a vendor that is down for a night. */
const usualGiveUpAfterMs = 86_400_000;

/**
 * Sets up the destination of an entry: loads its kind, reads its secrets, connects its connector,
 * and lowers the connector's limits to those of the file. Throws when a secret is missing or the
 * connector refuses its settings.
 */
export async function setUpTarget(entry: DestinationEntry, options: SetUpOptions): Promise<Target> {
  const definition = await loadDestination(entry.type, options.importPackage);
  if (definition === undefined) {
    throw new Error(`Failed to set up ${entry.key}: there is no kind of destination called ${entry.type}.`);
  }
  const written = definition.settings.parse(entry.settings);
  warnOfVersion(entry.key, definition, written, options);
  const settings = await resolveSecrets(written, options.readSecret);
  const giveUpAfterMs = entry.giveUpAfterMs ?? definition.giveUpAfterMs ?? usualGiveUpAfterMs;
  return createTarget(
    {
      key: entry.key,
      connector: definition.connect(settings, { ...options, now: options.clock.now }),
      limits: lowered(definition.limits(settings), entry.limits),
      batchBy: definition.batchBy,
      giveUpAfterMs,
      // Left alone for longer, everything would be too old when it may be told.
      retryAfterMaxMs: Math.min(entry.retryAfterMaxMs ?? usualRetryAfterMaxMs, giveUpAfterMs),
      formIdentity: (identity) => {
        const form = definition.identity?.(identity, settings) ?? formed(identity.value);
        return form.status === 'formed' ? form.value : undefined;
      },
      membershipDays: (of, namespace) => definition.membershipDays?.(settings, of, namespace),
    },
    options.clock,
  );
}

function warnOfVersion(
  key: string,
  { versions }: Pick<DestinationDefinition, 'versions'>,
  settings: unknown,
  { clock, warn }: Pick<SetUpOptions, 'clock' | 'warn'>,
): void {
  if (versions === undefined || warn === undefined) return;
  const version = Object.entries(settings ?? {}).find(([name]) => name === versions.setting)?.[1] as unknown;
  const sentence = typeof version === 'string' ? versionWarning(versions, version, clock.now()) : undefined;
  if (sentence !== undefined) warn(`destinations.${key}: ${sentence}`);
}

function lowered(limits: DestinationLimits, to: DestinationEntry['limits']): DestinationLimits {
  return {
    batchCount: Math.min(limits.batchCount, to.batchCount ?? Infinity),
    batchBytes: Math.min(limits.batchBytes, to.batchBytes ?? Infinity),
    requestsPerSecond: Math.min(limits.requestsPerSecond, to.requestsPerSecond ?? Infinity),
    concurrency: Math.min(limits.concurrency, to.concurrency ?? Infinity),
  };
}
