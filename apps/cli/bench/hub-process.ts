/**
 * Event Hubs and a host with the built function app, in a process of their own, so that who
 * measures does not slow them down. Forked by `bench-hub.ts` with `HubSettings` as JSON; says what
 * happens as `HubMessage`s, and ends with its parent.
 */
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { startFunctionsHost } from '@activation-hub/functions-host';
import type { OutcomesByDestination } from '@activation-hub/telemetry';
import { localEventHub } from '../src/traffic/local/local-event-hub.ts';
import { readSignal, type Signal } from '../src/traffic/local/signals.ts';
import { monotonicMs } from './monotonic.ts';

export interface HubSettings {
  readonly partitions: number;
  readonly appFolder: string;
  readonly activationFile: string;
  readonly storageConnectionString: string;
  /** A consumer group besides that of the handler. */
  readonly bareConsumerGroup: string;
}

/** A batch that the handler has settled, by the clock of `monotonicMs`. */
export interface SettledBatch {
  readonly partitionId: string;
  readonly firstSequenceNumber: number;
  readonly lastSequenceNumber: number;
  /** When the host called the function, and when it had returned. */
  readonly startedMs: number;
  readonly endedMs: number;
  readonly outcomes: OutcomesByDestination;
}

export type HubMessage =
  | { readonly kind: 'ready'; readonly connectionString: string; readonly workerProcessId: number }
  | { readonly kind: 'batch'; readonly batch: SettledBatch }
  | { readonly kind: 'retry'; readonly outcomes: OutcomesByDestination }
  | { readonly kind: 'complaint'; readonly message: string };

const say = (message: HubMessage): void => {
  if (process.connected) process.send?.(message);
};

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2] ?? '') as HubSettings;
  const { partitions: partitionCount, storageConnectionString, bareConsumerGroup } = settings;
  const emulator = await startEventHubsEmulator({
    eventHubs: [
      { name: localEventHub.name, partitionCount, consumerGroups: [localEventHub.consumerGroup, bareConsumerGroup] },
    ],
  });
  const settled = new Map<string, Extract<Signal, { name: 'batch-settled' }>>();
  const host = await startFunctionsHost({
    appFolder: settings.appFolder,
    settings: {
      AzureWebJobsStorage: storageConnectionString,
      DataStorage: storageConnectionString,
      EventHubConnection: emulator.connectionString(),
      EVENT_HUB_NAME: localEventHub.name,
      EVENT_HUB_CONSUMER_GROUP: localEventHub.consumerGroup,
      ACTIVATION_FILE: settings.activationFile,
      ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
    },
    log: ({ level, message, invocationId }) => {
      const signal = readSignal(message);
      if (signal?.name === 'batch-settled' && invocationId !== undefined) settled.set(invocationId, signal);
      else if (signal?.name === 'retry-settled') say({ kind: 'retry', outcomes: signal.outcomes });
      else if (signal === undefined && (level === 'error' || level === 'critical')) say({ kind: 'complaint', message });
    },
    observe: ({ invocationId, durationMs }) => {
      const signal = settled.get(invocationId);
      if (signal === undefined) return;
      settled.delete(invocationId);
      const { partitionId, firstSequenceNumber, lastSequenceNumber, outcomes } = signal;
      const endedMs = monotonicMs();
      const startedMs = endedMs - durationMs;
      say({
        kind: 'batch',
        batch: { partitionId, firstSequenceNumber, lastSequenceNumber, startedMs, endedMs, outcomes },
      });
    },
  });
  process.once(
    'disconnect',
    () =>
      void host
        .stop()
        .then(() => emulator.stop())
        .then(() => process.exit()),
  );
  say({
    kind: 'ready',
    connectionString: emulator.connectionString({ entityPath: localEventHub.name }),
    workerProcessId: host.workerProcessId ?? 0,
  });
}
