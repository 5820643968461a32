import type { PartitionLag } from '@activation-hub/azure-adapters';
import type { TokenCredential } from '@azure/core-auth';
import { azureCredential } from '../environment/azure-credential.ts';
import { measureHandlerLag } from '../environment/handler-lag.ts';
import { outputText, readStackOutputs } from '../environment/stack-outputs.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * How far the function app of an environment is behind, asked with the person's own rights. Throws
 * `CommandError` (1) that names the role that is missing.
 */
export type ReadLag = (signal: AbortSignal) => Promise<readonly PartitionLag[]>;

/**
 * Finds hub and checkpoints of a stack. Throws `CommandError` when Pulumi does not know them; calls
 * nothing but Pulumi.
 */
export async function lagOfStack(stack: string, terminal: Terminal): Promise<ReadLag> {
  const outputs = await readStackOutputs(stack, terminal, '--connection-string');
  const output = (name: string): string => outputText(outputs, name, stack);
  const credential: TokenCredential = await azureCredential();
  const hostName = output('eventHubsHostName');
  const options = {
    hub: { hostName, eventHubName: output('eventHubName'), credential },
    hostStorage: { blobEndpoint: output('checkpointEndpoint'), credential },
    consumerGroup: output('consumerGroup'),
  };
  return async (signal) => {
    try {
      return await measureHandlerLag({ ...options, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw lagFailure(error, { hostName, checkpoints: options.hostStorage.blobEndpoint });
    }
  };
}

/**
 * By the SDKs' own codes: `RestError` has a status, `MessagingError` a code (README of
 * @azure/event-hubs).
 */
function lagFailure(error: unknown, at: { readonly hostName: string; readonly checkpoints: string }): CommandError {
  // Of several attempts the SDK gives all.
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
  const { statusCode, code } = last as { readonly statusCode?: unknown; readonly code?: unknown };
  const failed = 'Failed to read how far the function app is behind';
  if (statusCode === 401 || statusCode === 403) {
    const why = `the storage account at ${new URL(at.checkpoints).host} answered ${statusCode}`;
    return new CommandError(
      1,
      `${failed}: ${why}. You lack the role Storage Blob Data Reader on it, or are outside of its network.`,
      { cause: error },
    );
  }
  if (code === 'UnauthorizedError') {
    return new CommandError(
      1,
      `${failed}: the event hub at ${at.hostName} turns you away. You lack the role Azure Event Hubs Data Receiver on its namespace.`,
      { cause: error },
    );
  }
  return new CommandError(1, `${failed}: ${reasonOf(error)}`, { cause: error });
}
