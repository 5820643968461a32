import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import type { Clock } from '@activation-hub/delivery';
import type { AdobePlatform, StoredEntity } from '@activation-hub/flow-service/testing';
import { EventHubProducerClient } from '@azure/event-hubs';
import { pace } from '../traffic/pace.ts';
import type { Tenant } from '../traffic/tenant.ts';

export interface EmulatedExportsOptions {
  readonly platform: AdobePlatform;
  readonly sandbox: string;
  /**
   * The namespace that every connection leads to, whatever name it has, as `sb://127.0.0.1:5672`.
   */
  readonly eventHubsUrl: string;
  readonly tenant: Pick<Tenant, 'next'>;
  /**
   * Exports per second while a dataflow is enabled and has an audience; 0 for as fast as the hub
   * takes them.
   */
  readonly rate: number;
  /** How long it goes on with the credentials that it has looked up, in milliseconds. */
  readonly credentialsAgeMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onExport?: (taken: boolean) => void;
}

interface Way {
  readonly flowId: string;
  readonly connectionString: string;
  readonly lookedUpAtMs: number;
}

const retryOptions = { maxRetries: 0, timeoutInMs: 10_000 };

/** How long it waits before it looks for a dataflow again, where no dataflow is enabled. */
const lookAgainMs = 100;

/**
 * Exports a tenant's profiles over the enabled dataflows of a sandbox, as AEP would: with the key
 * that the connection has, or had a moment ago. Each export signs in anew, so that a key which is
 * not valid any more is noticed at once. What the hub refuses counts as failed in the dataflow's
 * run. While no dataflow is enabled, the tenant's next export waits. Resolves when the signal is
 * aborted.
 */
export async function emulateExports(options: EmulatedExportsOptions): Promise<void> {
  const { platform, sandbox, tenant, clock, signal, onExport } = options;
  let ways: readonly Way[] = [];
  for await (const due of pace({ ...options, count: Infinity, batchMax: 1 })) {
    const isOld = ways.every(({ lookedUpAtMs }) => clock.now() - lookedUpAtMs >= options.credentialsAgeMs);
    if (isOld) ways = lookUpWays(options);
    if (ways.length === 0) {
      // At the rate 0 `pace` never sleeps.
      await clock.sleep(lookAgainMs, signal);
      continue;
    }
    for (let sent = 0; sent < due; sent += 1) {
      const body = encodeProfileExport(tenant.next(clock.now()).body);
      for (const { flowId, connectionString } of ways) {
        const taken = await send(connectionString, body, signal);
        if (taken === undefined) return;
        platform.sandbox(sandbox).countProfiles(flowId, { received: 1, failed: taken ? 0 : 1 });
        onExport?.(taken);
      }
    }
  }
}

/** Whether the hub took it; undefined when it was interrupted. */
async function send(connectionString: string, body: Uint8Array, signal: AbortSignal): Promise<boolean | undefined> {
  const producer = new EventHubProducerClient(connectionString, { retryOptions });
  try {
    await producer.sendBatch([{ body: Buffer.from(body), contentType: 'application/json' }], { abortSignal: signal });
    return true;
  } catch {
    // Why it was refused is the hub's matter: AEP counts it.
    return signal.aborted ? undefined : false;
  } finally {
    await producer.close();
  }
}

function lookUpWays({ platform, sandbox: name, eventHubsUrl, clock }: EmulatedExportsOptions): readonly Way[] {
  const sandbox = platform.sandbox(name);
  return sandbox.flows().flatMap((flow): Way[] => {
    const target = sandbox.targetConnections().find(({ id }) => ids(flow.targetConnectionIds).includes(id));
    const base = sandbox.connections().find(({ id }) => id === target?.baseConnectionId);
    const { sasKeyName, sasKey } = paramsOf(base?.auth as Readonly<Record<string, unknown>> | undefined);
    const { eventHubName } = paramsOf(target);
    if (flow.state !== 'enabled' || !hasAudience(flow) || sasKey === undefined) return [];
    const connectionString = `Endpoint=${eventHubsUrl}/;SharedAccessKeyName=${sasKeyName ?? ''};SharedAccessKey=${sasKey};EntityPath=${eventHubName ?? ''};UseDevelopmentEmulator=true`;
    return [{ flowId: flow.id, connectionString, lookedUpAtMs: clock.now() }];
  });
}

function paramsOf(entity: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, string | undefined>> {
  return (entity?.params ?? {}) as Readonly<Record<string, string | undefined>>;
}

function ids(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function hasAudience(flow: StoredEntity): boolean {
  const [transformation] = flow.transformations as {
    params?: { segmentSelectors?: { selectors?: readonly unknown[] } };
  }[];
  return (transformation?.params?.segmentSelectors?.selectors ?? []).length > 0;
}
