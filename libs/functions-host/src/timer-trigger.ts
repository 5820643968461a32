import type { BlobServiceClient } from '@azure/storage-blob';
import { Cron } from 'croner';
import { runWithRetries } from './retry-policy.ts';
import { runAsSingleton } from './singleton-lease.ts';
import {
  errorText,
  settledOrAborted,
  sleepUntilAborted,
  triggerInput,
  triggerText,
  type RegisteredFunction,
  type TriggerListener,
  type TriggerServices,
} from './trigger.ts';
import { json } from './typed-data.ts';

/**
 * A timer waits at most this long at once; a longer wait is cut, for setTimeout overflows after
 * 24.8 days.
 */
const waitMaxMs = 3_600_000;

/**
 * Runs a function by its NCRONTAB schedule of six fields, in UTC, one run at a time; occurrences
 * during a run are left out. Of several hosts of one app only the one that holds the lease runs the
 * timer.
 */
export function startTimerTrigger(
  registered: RegisteredFunction,
  services: TriggerServices,
  storage: BlobServiceClient,
): TriggerListener {
  const schedule = parseSchedule(registered.name, triggerText(registered, 'schedule', services.settings));
  const stopping = new AbortController();
  const lockName = `${services.hostId}/${registered.name}.Listener`;
  const warn = (message: string): void => services.log({ level: 'warning', functionName: registered.name, message });
  const listening = runAsSingleton(
    storage,
    lockName,
    {
      run: (signal) => runTimer({ registered, services, schedule }, signal),
      failed: (error) => warn(`Failed to hold the timer's lease: ${errorText(error)}. It is tried again.`),
    },
    stopping.signal,
  );
  return {
    async stop(drain) {
      stopping.abort();
      await settledOrAborted([listening], drain);
    },
  };
}

/** Throws a sentence when the schedule is not an NCRONTAB expression of six fields. */
export function parseSchedule(functionName: string, expression: string): Cron {
  try {
    // NCRONTAB asks for day of month and day of week both, where classic cron takes either.
    return new Cron(expression, { mode: '6-part', timezone: 'Etc/UTC', domAndDow: true });
  } catch (error) {
    throw new Error(
      `Failed to start function ${functionName}: its schedule "${expression}" is not an NCRONTAB expression ` +
        '({second} {minute} {hour} {day} {month} {day of week}).',
      { cause: error },
    );
  }
}

interface Timer {
  readonly registered: RegisteredFunction;
  readonly services: TriggerServices;
  readonly schedule: Cron;
}

async function runTimer(timer: Timer, signal: AbortSignal): Promise<void> {
  const { registered, schedule } = timer;
  let last = new Date(0);
  if (registered.trigger.runOnStartup === true) last = await runOnce(timer, last, signal);
  while (!signal.aborted) {
    const next = schedule.nextRun();
    // A schedule without a further occurrence only waits for the end.
    if (!(await waitUntil(next ?? new Date(8.64e15), signal))) return;
    last = await runOnce(timer, last, signal);
  }
}

async function waitUntil(instant: Date, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const remainingMs = instant.getTime() - Date.now();
    if (remainingMs <= 0) return !signal.aborted;
    if (!(await sleepUntilAborted(Math.min(remainingMs, waitMaxMs), signal))) return false;
  }
}

/** Gives when the run started. */
async function runOnce({ registered, services, schedule }: Timer, last: Date, signal: AbortSignal): Promise<Date> {
  const started = new Date();
  const next = schedule.nextRun() ?? started;
  const data = {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: { Last: last.toISOString(), Next: next.toISOString(), LastUpdated: last.toISOString() },
    IsPastDue: false,
  };
  const input = triggerInput(registered, json(data));
  await runWithRetries({
    attempt: (retryContext) => services.invoke(registered, { ...input, ...(retryContext ? { retryContext } : {}) }),
    policy: registered.retry,
    signal,
    random: Math.random,
  });
  return started;
}
