import type { CounterValue } from '@activation-hub/telemetry';
import type { Clock, Control } from '@activation-hub/delivery';

/** What the health page says to everyone: no name of the activation file, no address. */
export interface Health {
  readonly status: 'ok' | 'unavailable';
  /** That the stores cannot be reached, and where the reason is; only when they cannot. */
  readonly reason?: string;
  /**
   * Digest of the files that were deployed, as the build printed it as `contents`: which build this
   * is.
   */
  readonly build: string;
  /** When the newest canary was sent that went the whole way; absent when none has. */
  readonly canary?: string;
}

/**
 * What it says to who has a key of the app: names of the activation file and numbers; nothing
 * personal, nothing secret.
 */
export interface HealthDetails extends Health {
  readonly destinations: readonly string[];
  readonly audiences: readonly string[];
  /** What operators ask of it now: who, why, since when and until when. */
  readonly controls: readonly ShownControl[];
  /** Why these cannot be read; each worker then goes by those that it knew last. */
  readonly controlsProblem?: string;
  /** Since this worker started. */
  readonly counters: readonly CounterValue[];
}

/** A control with times that a person can read. */
export interface ShownControl extends Omit<Control, 'atMs' | 'untilMs'> {
  readonly at: string;
  readonly until?: string;
}

/** How long an answer of the stores is reused, for all callers. */
const lookAgeMaxMs = 5_000;

export interface HealthSources {
  /**
   * Asks the stores, and when the newest canary arrived, in ms since 1970; throws when they cannot
   * be reached.
   */
  readonly look: () => Promise<number | undefined>;
  /** Asks what operators ask for; throws when it cannot be read, which stops nothing. */
  readonly readControls: () => Promise<readonly ShownControl[]>;
  /** What is known without asking. */
  readonly about: () => Omit<HealthDetails, keyof Seen>;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Gives what looks at the health of the app. Looks at the same time, and those within seconds,
 * share one.
 */
export function createHealthCheck({ about, clock, ...sources }: HealthSources): () => Promise<HealthDetails> {
  let last: { readonly atMs: number; readonly seen: Promise<Seen> } | undefined;
  return async () => {
    const nowMs = clock.now();
    if (last === undefined || nowMs - last.atMs >= lookAgeMaxMs) last = { atMs: nowMs, seen: seenBy(sources) };
    return { ...(await last.seen), ...about() };
  };
}

type Seen = Pick<HealthDetails, 'status' | 'reason' | 'canary' | 'controls' | 'controlsProblem'>;

async function seenBy({ look, readControls }: Pick<HealthSources, 'look' | 'readControls'>): Promise<Seen> {
  try {
    const canaryMs = await look();
    const canary = canaryMs === undefined ? {} : { canary: new Date(canaryMs).toISOString() };
    return { status: 'ok', ...canary, ...(await controlsBy(readControls)) };
  } catch (error) {
    return { status: 'unavailable', controls: [], reason: reasonOf(error) };
  }
}

async function controlsBy(
  readControls: HealthSources['readControls'],
): Promise<Pick<Seen, 'controls' | 'controlsProblem'>> {
  try {
    return { controls: await readControls() };
  } catch (error) {
    return { controls: [], controlsProblem: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}

/** What of it is for everyone. The reason names the storage account. */
export function publicHealth({ status, build, canary }: HealthDetails): Health {
  return {
    status,
    ...(status === 'ok' ? {} : { reason: 'The stores cannot be reached. /health/details says why, to who has a key.' }),
    build,
    ...(canary === undefined ? {} : { canary }),
  };
}
