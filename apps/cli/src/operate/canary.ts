import { setTimeout as sleep } from 'node:timers/promises';
import { canary } from '@activation-hub/activation-file';
import { Option, type Command } from 'commander';
import { wholeNumber } from '../terminal/arguments.ts';
import { findCanaryPlace, type CanaryOptions, type CanaryPlace } from './canary-place.ts';
import { CommandError } from '../terminal/command-error.ts';
import { addEventHubOptions } from '../environment/event-hub-options.ts';
import { openEventSender } from '../traffic/event-sender.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Options extends CanaryOptions {
  readonly timeout: number;
  readonly json?: true;
}

export function addCanaryCommand(program: Command, terminal: Terminal): void {
  addEventHubOptions(program.command('canary'))
    .summary('sends one made-up export through everything, and waits until it has arrived')
    .description(
      'Sends an export of a made-up person in a made-up audience through Event Hubs, and waits until the ledger says that the built-in destination canary was told. No third party hears of it.',
    )
    .addOption(
      new Option(
        '--environment <name>',
        'takes event hub and health page from the outputs of this stack (needs pulumi)',
      ).conflicts(['connectionString', 'eventHub', 'health', 'dataStorage']),
    )
    .addOption(
      new Option('--health <url>', "the handler's health page, which says what the ledger says").conflicts(
        'dataStorage',
      ),
    )
    .option(
      '--data-storage <text>',
      'connection string of the account that has the ledger, to look there instead (or DATA_STORAGE_CONNECTION_STRING; default: activation local on its usual ports)',
    )
    .option('--timeout <seconds>', 'how long it waits, 1 to 3600', wholeNumber(1, 3_600), 180)
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
It leaves one row in the ledger, the same every time. It counts as an event that was received: run it when something was
deployed, not every hour, or the alert on silence never rings.

Examples:
  $ activation canary                              activation local on its usual ports
  $ activation canary --environment dev --json
  $ EVENT_HUB_CONNECTION_STRING="Endpoint=sb://…" activation canary --health https://…/health`,
    )
    .action((options: Options) => runCanary(options, terminal));
}

async function runCanary(options: Options, terminal: Terminal): Promise<void> {
  const place = await findCanaryPlace(options, terminal);
  const sender = openEventSender(place.connectionString, place.eventHubName);
  try {
    const before = await unlessStopped(terminal, () => place.toldAtMs(terminal.interrupted));
    // Later than the one before, even if a clock is wrong: later answers are about this one.
    const sentAtMs = Math.max(Date.now(), (before ?? 0) + 1);
    const startedAtMs = performance.now();
    await sender.send([canaryExport(sentAtMs)]);
    await unlessStopped(terminal, () => untilTold(sentAtMs, place, options.timeout, terminal.interrupted));
    const latencyMs = Math.round(performance.now() - startedAtMs);
    const sentAt = new Date(sentAtMs).toISOString();
    report(
      { event: 'canary-told', latencyMs, sentAt, eventHubName: place.eventHubName },
      () => `The canary was told ${(latencyMs / 1_000).toFixed(1)} s after it was sent to ${place.eventHubName}.`,
      options,
      terminal,
    );
  } finally {
    await sender.close();
  }
}

/**
 * As AEP would write it. The attribute differs each time: the same content would be nothing new.
 */
function canaryExport(sentAtMs: number): Buffer {
  const sentAt = new Date(sentAtMs).toISOString();
  const { audience, identity, attribute } = canary;
  return Buffer.from(
    JSON.stringify({
      [attribute]: sentAt,
      segmentMembership: {
        [audience.namespace]: { [audience.id]: { lastQualificationTime: sentAt, status: 'realized' } },
      },
      identityMap: { [identity.namespace]: [{ id: identity.value }] },
    }),
  );
}

/** Looks again and again; what fails on the way is only told when the time is up. */
async function untilTold(
  sentAtMs: number,
  place: CanaryPlace,
  timeoutSeconds: number,
  stop: AbortSignal,
): Promise<void> {
  const timeUp = AbortSignal.timeout(timeoutSeconds * 1_000);
  const signal = AbortSignal.any([stop, timeUp]);
  let trouble: string | undefined;
  for (;;) {
    try {
      const toldAtMs = await place.toldAtMs(signal);
      trouble = undefined;
      if (toldAtMs !== undefined && toldAtMs >= sentAtMs) return;
      await sleep(place.lookEveryMs, undefined, { signal });
    } catch (error) {
      stop.throwIfAborted();
      if (timeUp.aborted) throw notTold(sentAtMs, place, timeoutSeconds, trouble);
      if (!(error instanceof CommandError)) throw error;
      trouble = error.message;
      await sleep(place.lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function notTold(sentAtMs: number, place: CanaryPlace, timeoutSeconds: number, trouble?: string): CommandError {
  const why =
    trouble === undefined
      ? `the event hub ${place.eventHubName} took it, and ${place.ledgerWords} does not say that the destination canary was told`
      : `the event hub ${place.eventHubName} took it, and then there was no answer (${trouble})`;
  return new CommandError(
    1,
    `Failed to see the canary arrive within ${timeoutSeconds} s: ${why}. ${place.whereToLook} A canary that arrives later does no harm.`,
    { details: { sentAt: new Date(sentAtMs).toISOString(), timeoutSeconds } },
  );
}

async function unlessStopped<Result>(terminal: Terminal, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError || !terminal.interrupted.aborted) throw error;
    throw new CommandError(1, 'Stopped, as asked. A canary that was sent arrives all the same.', { cause: error });
  }
}
