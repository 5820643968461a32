import { createHttpClient, DestinationError, proxySettings, type HttpClient } from '@activation-hub/destination-kit';
import { CommandError } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * The way to real destinations: through the proxies that the environment names, and to private
 * addresses only where it allows them or everything is on this machine. Throws `CommandError` for a
 * proxy that cannot be used.
 */
export function openHttp({ environment }: Pick<Terminal, 'environment'>, { isLocal = false } = {}): HttpClient {
  try {
    return createHttpClient({
      allowPrivateAddresses: isLocal || environment.ACTIVATION_ALLOW_PRIVATE_ADDRESSES === 'true',
      proxies: proxySettings(environment),
    });
  } catch (error) {
    if (error instanceof DestinationError) throw new CommandError(2, error.message, { cause: error });
    throw error;
  }
}
