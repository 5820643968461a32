import { z } from 'zod';
import {
  reading,
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  headerTextOf,
  type HttpSender,
  type Verdict,
} from '@activation-hub/destination-kit';
import { managedIdentity, withManagedIdentity } from '../managed-identity.ts';
import { writtenIdentity, writtenTakes } from '../written-identity.ts';
import { archiveBlobs, blobArchiveRequests, withAccountKey } from './request.ts';
import { blobError, judgeWrite } from './response.ts';
import { type BlobArchiveSettings, blobArchiveSettings } from './settings.ts';

/** Every cloud's storage takes tokens for this. */
const storageScope = 'https://storage.azure.com/.default';

/** Changes as NDJSON in blobs, by day and audience. */
export const blobArchive = defineDestination({
  type: 'blob-archive',
  title: 'Blob archive',
  description: 'Keeps every change as a line of NDJSON in a container of Azure Storage, by day and audience.',
  settings: blobArchiveSettings,
  options: z.strictObject({}).prefault({}),
  // An account takes 20,000 requests per second; a blob of one Put Blob could have gigabytes.
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 16 * 1024 * 1024,
    requestsPerSecond: 100,
    concurrency: 8,
  }),
  batchBy: 'route',
  identity: (identity, { identities }) => writtenIdentity(identity, identities),
  takes: () => writtenTakes,
  comparison: {
    enters: 'is a line of NDJSON',
    leaves: 'is a line of NDJSON',
    hashed: 'identities, unless the settings ask for plain ones',
    shownAfter: 'at once',
    erasure: 'an exit is written; lines stay until they are deleted',
    untried: 'the service itself: only Azurite was',
  },
  connect: (settings, { http, now, record }): Connector => {
    http.check(settings.containerUrl);
    const sender = signed(settings, http, now, record !== undefined);
    const requests = blobArchiveRequests(settings, now);

    const tell = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Verdict[]> => {
      const verdicts: Verdict[] = [];
      for (const blob of archiveBlobs(deliveries.map(({ change }) => change))) {
        const failure = await failureOf(async () => {
          judgeWrite(await sender.send(requests.putBlob(blob), signal), now());
        });
        // The batch failed as a whole only while nothing of it is told.
        if (failure !== undefined && verdicts.length === 0) throw failure;
        verdicts.push(...blob.changeIds.map((id) => verdictOf(id, failure)));
      }
      return verdicts;
    };
    return {
      enter: tell,
      update: tell,
      exit: tell,
      probe: async (_routes, signal) => {
        const answer = sender.send(requests.findContainer(), signal).then((response) => {
          if (response.status === 200 || response.status === 404) return response;
          throw blobError(response, now());
        });
        const isThere = (await reading(answer)).status === 200;
        const missing = 'Failed to find the container of containerUrl: there is none. Create it, or correct the URL.';
        return isThere ? [] : [missing];
      },
    };
  },
});

function signed(
  { containerUrl, accountKey, clientId }: BlobArchiveSettings,
  http: HttpSender,
  now: () => number,
  isDryRun: boolean,
): HttpSender {
  if (accountKey === undefined) {
    return isDryRun ? http : withManagedIdentity(http, managedIdentity(clientId), storageScope, now);
  }
  const text = headerTextOf('accountKey', accountKey);
  if (!isDryRun && !/^[A-Za-z0-9+/]{40,}={0,2}$/.test(text)) {
    throw new DestinationError(
      'set-up',
      'Failed to read the setting accountKey: its secret is not base64. Copy the key of the storage account again.',
    );
  }
  return withAccountKey(http, containerUrl, Buffer.from(text, 'base64'));
}

async function failureOf(work: () => Promise<void>): Promise<DestinationError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof DestinationError) return error;
    throw error;
  }
}

function verdictOf(id: string, failure: DestinationError | undefined): Verdict {
  if (failure === undefined) return { id, status: 'delivered' };
  const { doubt, notBeforeMs } = failure;
  return {
    id,
    status: 'retry',
    reason: `the blob of this day was not written (${failure.class})`,
    ...(doubt === undefined ? {} : { doubt }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  };
}
