import { controlTextCharactersMax, type Control, type ControlStore } from '@activation-hub/delivery';
import type { ContainerClient } from '@azure/storage-blob';
import { z } from 'zod';
import { downloadDocument, isOtherVersion, type DocumentPlace } from './blob-documents.ts';
import { documentVersion, parseDocument } from './event-document.ts';
import { callStore, StoreFailure } from './store-call.ts';

const blobName = 'controls.json';
const text = z.string().max(controlTextCharactersMax);

const documentSchema = z.object({
  version: z.number(),
  controls: z.array(
    z.object({
      action: z.enum(['pause', 'retry-now']),
      destination: z.string().exactOptional(),
      audience: z.string().exactOptional(),
      ledgerAudience: z.object({ namespace: z.string(), id: z.string() }).exactOptional(),
      at: z.iso.datetime(),
      until: z.iso.datetime().exactOptional(),
      by: text,
      reason: text,
      // A worker that does not know it yet takes the control for a pause, which holds back the
      // same.
      shadow: z.literal(true).exactOptional(),
    }),
  ),
});

export interface BlobControlsOptions {
  /** How long one operation may take, its retries included, in milliseconds; 15,000 by default. */
  readonly operationTimeoutMs?: number;
}

/**
 * The controls of operators in one small blob, `controls.json`. Every write names the version that
 * it replaces (the ETag), or that there is none yet, so that two operators never undo each other.
 * Failures of the store are thrown as `StoreFailure`.
 */
export class BlobControls implements ControlStore {
  readonly #container: ContainerClient;
  readonly #place: DocumentPlace;

  constructor(container: ContainerClient, { operationTimeoutMs = 15_000 }: BlobControlsOptions = {}) {
    this.#container = container;
    const store = { name: 'blob store', url: container.url, operationTimeoutMs };
    this.#place = { kind: 'list of controls', blob: container.getBlockBlobClient(blobName), store };
  }

  /**
   * Makes the container when it is missing. The app calls it once at its start; `edit` does too,
   * for an operator may come before its first event.
   */
  async createContainer(signal: AbortSignal): Promise<void> {
    await callStore(this.#place.store, 'create the container of the controls', signal, (abortSignal) =>
      this.#container.createIfNotExists({ abortSignal }),
    );
  }

  async read(signal: AbortSignal): Promise<readonly Control[]> {
    const stored = await downloadDocument(this.#place, signal);
    return stored === undefined ? [] : readControls(stored.bytes);
  }

  async edit(
    edited: (controls: readonly Control[]) => readonly Control[],
    signal: AbortSignal,
  ): Promise<readonly Control[]> {
    await this.createContainer(signal);
    for (;;) {
      const stored = await downloadDocument(this.#place, signal);
      const controls = edited(stored === undefined ? [] : readControls(stored.bytes));
      const conditions = stored === undefined ? { ifNoneMatch: '*' } : { ifMatch: stored.etag };
      const bytes = writeControls(controls);
      try {
        await callStore(this.#place.store, 'write the controls', signal, (abortSignal) =>
          this.#place.blob.upload(bytes, bytes.byteLength, {
            abortSignal,
            conditions,
            blobHTTPHeaders: { blobContentType: 'application/json' },
          }),
        );
        return controls;
      } catch (error) {
        if (!isLostRace(error)) throw error;
      }
    }
  }
}

/**
 * 412 for another version, 409 for a blob that came meanwhile ("Specifying conditional headers for
 * Blob service operations").
 */
function isLostRace(error: unknown): boolean {
  if (isOtherVersion(error)) return true;
  return error instanceof StoreFailure && error.statusCode === 409 && error.code === 'BlobAlreadyExists';
}

function readControls(bytes: Buffer): readonly Control[] {
  const { controls } = parseDocument(documentSchema, bytes, { kind: 'list of controls', blobName });
  return controls.map(({ at, until, shadow, ...rest }) => ({
    ...rest,
    ...(shadow === undefined ? {} : { isShadow: shadow }),
    atMs: Date.parse(at),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  }));
}

/** Throws `RangeError` for what no worker could read: it would hide every other control. */
function writeControls(controls: readonly Control[]): Buffer {
  const document: z.infer<typeof documentSchema> = {
    version: documentVersion,
    controls: controls.map(({ atMs, untilMs, isShadow, ...rest }) => ({
      ...rest,
      ...(isShadow === undefined ? {} : { shadow: isShadow }),
      at: timeText(atMs),
      ...(untilMs === undefined ? {} : { until: timeText(untilMs) }),
    })),
  };
  const [issue] = documentSchema.safeParse(document).error?.issues ?? [];
  if (issue === undefined) return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
  throw new RangeError(`Failed to write the controls: ${issue.path.join('.')} is not as they are kept. Correct it.`);
}

const timeText = (timeMs: number): string => {
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
};
