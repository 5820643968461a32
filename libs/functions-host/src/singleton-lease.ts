import type { BlobLeaseClient, BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { sleepUntilAborted } from './trigger.ts';

/**
 * As Azure's listener locks: container azure-webjobs-hosts, blob
 * `locks/<host id>/<function>.Listener`, lease renewed while held.
 */
const container = 'azure-webjobs-hosts';
const leaseSeconds = 15;
const attemptEveryMs = 5_000;

export interface SingletonWork {
  /**
   * Starts when the lease is held; `signal` aborts when it is lost or the host stops. The lease is
   * released after it resolves.
   */
  run(signal: AbortSignal): Promise<void>;
  /** The storage could not be reached, or the lease was lost; it is tried again. */
  failed(error: unknown): void;
}

/**
 * Runs `work` on one host of the app at a time, until `stopping` aborts. A host that vanishes is
 * replaced within 20 seconds.
 */
export async function runAsSingleton(
  storage: BlobServiceClient,
  lockName: string,
  work: SingletonWork,
  stopping: AbortSignal,
): Promise<void> {
  do {
    try {
      const lease = await acquire(storage.getContainerClient(container), `locks/${lockName}`);
      if (lease) await hold(lease, work, stopping);
    } catch (error) {
      if (!stopping.aborted) work.failed(error);
    }
  } while (await sleepUntilAborted(attemptEveryMs, stopping));
}

/** Undefined when another host holds the lease. */
async function acquire(locks: ContainerClient, blobName: string): Promise<BlobLeaseClient | undefined> {
  const lease = locks.getBlobClient(blobName).getBlobLeaseClient();
  const attempt = (): Promise<BlobLeaseClient | undefined> =>
    lease.acquireLease(leaseSeconds).then(
      () => lease,
      (error: unknown) => {
        if (statusOf(error) === 409) return undefined;
        throw error;
      },
    );
  try {
    return await attempt();
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    await locks.createIfNotExists();
    const blob = locks.getBlockBlobClient(blobName);
    await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch(ignoreExisting);
    return attempt();
  }
}

/** Another host made or leased the blob first: 409 exists, 412 leased. */
function ignoreExisting(error: unknown): void {
  if (statusOf(error) !== 409 && statusOf(error) !== 412) throw error;
}

async function hold(lease: BlobLeaseClient, work: SingletonWork, stopping: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const lost = new AbortController();
  const renewing = (async () => {
    let renewedAt = performance.now();
    while (await sleepUntilAborted(attemptEveryMs, ended.signal)) {
      try {
        await lease.renewLease();
        renewedAt = performance.now();
      } catch (error) {
        const expired = performance.now() - renewedAt > (leaseSeconds - attemptEveryMs / 1000) * 1000;
        if (statusOf(error) === undefined && !expired) continue;
        work.failed(error);
        lost.abort();
        return;
      }
    }
  })();
  try {
    await work.run(AbortSignal.any([stopping, lost.signal]));
  } finally {
    ended.abort();
    await renewing;
    if (!lost.signal.aborted) await lease.releaseLease();
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}
