import { canaryLedgerKey } from '@activation-hub/activation-file';
import { openLedger as openStoredLedger, StoreFailure, type SpreadLedger } from '@activation-hub/azure-adapters';
import { isUnreadableRow } from '@activation-hub/membership';
import { z } from 'zod';
import { hubConnectionString } from '../environment/hub-connection.ts';
import { outputText, readStackOutputs } from '../environment/stack-outputs.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import { readEventHubOptions, type EventHubOptions } from '../environment/event-hub-options.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface CanaryOptions extends EventHubOptions {
  readonly environment?: string;
  readonly health?: string;
  readonly dataStorage?: string;
}

/** Where a canary is sent, and where one sees that it has arrived. */
export interface CanaryPlace {
  readonly connectionString: string;
  readonly eventHubName: string;
  /**
   * When the newest canary was sent that has arrived; undefined when none has. Throws
   * `CommandError` (1), or the signal's reason.
   */
  readonly toldAtMs: (signal: AbortSignal) => Promise<number | undefined>;
  readonly lookEveryMs: number;
  /** Who is asked, as the end of a sentence needs it. */
  readonly ledgerWords: string;
  /** A sentence for a canary that did not arrive. */
  readonly whereToLook: string;
}

/**
 * The place of an environment's stack, or that which the options and the environment give. Throws
 * `CommandError`.
 */
export async function findCanaryPlace(options: CanaryOptions, terminal: Terminal): Promise<CanaryPlace> {
  if (options.environment !== undefined) return placeOfStack(options.environment, terminal);
  const hub = readEventHubOptions(options, terminal);
  return { ...hub, ...(options.health === undefined ? atLedger(options, terminal) : atHealthPage(options.health)) };
}

/**
 * Goes in as Adobe does, by Adobe's key, and asks the handler: that needs no right to the storage,
 * which may be private.
 */
async function placeOfStack(stack: string, terminal: Terminal): Promise<CanaryPlace> {
  const outputs = await readStackOutputs(stack, terminal, '--connection-string and --health');
  const output = (name: string): string => outputText(outputs, name, stack);
  const hub = {
    namespace: output('eventHubsNamespace'),
    eventHubName: output('eventHubName'),
    sasKeyName: output('adobeKeyName'),
    sasKey: output('adobeKey'),
  };
  return {
    connectionString: hubConnectionString(hub, terminal),
    eventHubName: hub.eventHubName,
    ...atHealthPage(output('healthUrl')),
  };
}

type Look = Omit<CanaryPlace, 'connectionString' | 'eventHubName'>;

/** An app that was asleep may need a while for its first answer. */
const healthTimeoutMs = 60_000;
const healthPage = z.discriminatedUnion('status', [
  z.object({ status: z.literal('ok'), canary: z.iso.datetime().optional() }),
  z.object({ status: z.literal('unavailable'), reason: z.string() }),
]);

function atHealthPage(written: string): Look {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(2, 'Failed to read --health: it must be a URL such as https://….azurewebsites.net/health.');
  }
  const failed = (why: string, cause?: unknown): CommandError =>
    new CommandError(1, `Failed to ask the health page at ${url.host}: ${why}`, { cause });
  return {
    lookEveryMs: 1_000,
    ledgerWords: `the health page at ${url.host}`,
    whereToLook:
      "Look at the function app's log for on-audience-events: whether it runs, and reads this event hub in its own consumer group.",
    async toldAtMs(signal) {
      let body: unknown;
      try {
        const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(healthTimeoutMs)]) });
        body = await response.json();
      } catch (error) {
        signal.throwIfAborted();
        const reason = error instanceof SyntaxError ? 'it does not answer in JSON' : reasonOf(causeOf(error));
        throw failed(`${reason.replace(/\.$/, '')}. Check the address, and that the app is deployed and runs.`, error);
      }
      const page = healthPage.safeParse(body);
      if (!page.success) throw failed('it answers otherwise than Activation Hub does. Check the address.');
      if (page.data.status === 'unavailable') throw failed(`the app is not well. ${page.data.reason}`);
      return page.data.canary === undefined ? undefined : Date.parse(page.data.canary);
    },
  };
}

/** `fetch` says only that it failed, and keeps why as the cause. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}

function atLedger({ dataStorage }: CanaryOptions, { environment }: Terminal): Look {
  const given = dataStorage ?? environment.DATA_STORAGE_CONNECTION_STRING ?? '';
  // The SDKs' own word for Azurite on its usual ports, where `activation local` has its storage
  // too.
  const ledger = openLedger(given === '' ? 'UseDevelopmentStorage=true' : given);
  return {
    lookEveryMs: 250,
    ledgerWords: 'the ledger',
    whereToLook:
      'Look whether the handler runs (activation local says what it settles), and reads this event hub and this storage.',
    async toldAtMs(signal) {
      try {
        const [row] = await ledger.read([canaryLedgerKey], signal);
        if (isUnreadableRow(row))
          throw new CommandError(
            1,
            `Failed to read the row of the canaries: ${row.unreadable} is not what this release writes. Delete the row.`,
          );
        return row?.record.delivered?.qualifiedAtMs;
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error;
        // The handler makes the table when it gets its first event.
        if (error.code === 'TableNotFound') return undefined;
        const hint = given === '' ? ' Start activation local, or give --data-storage or --health.' : '';
        throw new CommandError(1, `${error.message}${hint}`, { cause: error });
      }
    },
  };
}

function openLedger(connectionString: string): SpreadLedger {
  try {
    return openStoredLedger({ connectionString });
  } catch (error) {
    throw new CommandError(2, reasonOf(error), { cause: error });
  }
}
