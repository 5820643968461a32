import { AdobeError, createAdobeClient, type AdobeClient } from '@activation-hub/flow-service';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Adobe's platform as the environment names it. */
export interface AdobeAccess {
  readonly client: AdobeClient;
  readonly sandbox: string;
}

const required = ['AEP_CLIENT_ID', 'AEP_CLIENT_SECRET', 'AEP_ORG_ID', 'AEP_SANDBOX'] as const;

/** What every verb says about its configuration. */
export const adobeVariablesHelp = `
Environment: AEP_CLIENT_ID, AEP_CLIENT_SECRET, AEP_ORG_ID and AEP_SANDBOX, from Adobe's developer console; AEP_PLATFORM_URL and
AEP_IMS_URL for another region, or for activation aep emulator. docs/operating/connect-aep.md says where to find them.`;

/**
 * Sends no request. Throws `CommandError` (2) that names every variable that is missing or cannot
 * work.
 */
export function openAdobe({ environment }: Terminal): AdobeAccess {
  const value = (name: string): string => environment[name] ?? '';
  const missing = required.filter((name) => value(name) === '');
  if (missing.length > 0) {
    throw new CommandError(
      2,
      `Failed to sign in to Adobe: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set. Take the values from the project in Adobe's developer console; docs/operating/connect-aep.md says where.`,
      { details: { missing } },
    );
  }
  const sandbox = value('AEP_SANDBOX');
  try {
    const client = createAdobeClient({
      clientId: value('AEP_CLIENT_ID'),
      clientSecret: value('AEP_CLIENT_SECRET'),
      organisation: value('AEP_ORG_ID'),
      sandbox,
      ...(value('AEP_PLATFORM_URL') === '' ? {} : { platformUrl: value('AEP_PLATFORM_URL') }),
      ...(value('AEP_IMS_URL') === '' ? {} : { imsUrl: value('AEP_IMS_URL') }),
    });
    return { client, sandbox };
  } catch (error) {
    throw new CommandError(2, `${reasonOf(error)} Check the AEP_… variables.`, { cause: error });
  }
}

const standInAdvice = 'The stand-in of Adobe runs with activation local --aep, or activation aep emulator.';

/** Whether the environment leads to this machine in place of Adobe. */
const isStandIn = ({ environment }: Terminal): boolean =>
  /^https?:\/\/(?:localhost|127\.0\.0\.1)(?:[:/]|$)/.test(environment.AEP_PLATFORM_URL ?? '');

/**
 * Runs a verb that calls Adobe. What Adobe refuses is thrown as `CommandError` (1) with Adobe's
 * code and request id as details, what cannot be a destination as `CommandError` (2), and an
 * interruption as `CommandError` (1).
 */
export async function withAdobe<Result>(terminal: Terminal, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (terminal.interrupted.aborted) {
      throw new CommandError(1, 'Stopped, as asked. Run it again to go on where it stopped.', { cause: error });
    }
    if (error instanceof AdobeError) {
      const { kind, status, code, requestId } = error;
      const advice = status === undefined && isStandIn(terminal) ? standInAdvice : '';
      throw new CommandError(1, `${error.message} ${advice}`.trimEnd(), {
        cause: error,
        details: { kind, status, code, requestId },
      });
    }
    if (error instanceof RangeError && error.message.startsWith('Failed to ')) {
      throw new CommandError(2, error.message, { cause: error });
    }
    throw error;
  }
}
