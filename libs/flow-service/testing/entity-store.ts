import { applyJsonPatch } from './json-patch.ts';
import { invalid, notFound, Refusal } from './refusal.ts';

export type StoredEntity = Record<string, unknown> & {
  readonly id: string;
  readonly etag: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export interface StoreSettings {
  readonly now: () => number;
  readonly newId: () => string;
  /** How long an accepted deletion takes. */
  readonly deletionMs: number;
}

/**
 * One collection of one sandbox: ETags, JSON Patch, deletions that take a while, filters and pages.
 */
export class EntityStore {
  readonly #collection: string;
  readonly #settings: StoreSettings;
  readonly #entities = new Map<string, StoredEntity>();
  readonly #goneAt = new Map<string, number>();
  #writes = 0;

  constructor(collection: string, settings: StoreSettings) {
    this.#collection = collection;
    this.#settings = settings;
  }

  /** All that a lookup finds, those that were changed last first. */
  all(): StoredEntity[] {
    const now = this.#settings.now();
    for (const [id, goneAt] of this.#goneAt) {
      if (goneAt > now) continue;
      this.#goneAt.delete(id);
      this.#entities.delete(id);
    }
    return [...this.#entities.values()].toReversed();
  }

  get(id: string): StoredEntity {
    const entity = this.all().find((stored) => stored.id === id);
    if (entity === undefined) throw notFound(this.#collection, id);
    return entity;
  }

  create(fields: Record<string, unknown>): StoredEntity {
    const at = this.#settings.now();
    const entity = { ...fields, id: this.#settings.newId(), createdAt: at, updatedAt: at, etag: this.#newEtag() };
    this.#entities.set(entity.id, entity);
    return entity;
  }

  /** Replaces fields without a look at ETags, as the service itself does. */
  update(id: string, fields: Record<string, unknown>): StoredEntity {
    const stored = this.get(id);
    const entity: StoredEntity = {
      ...stored,
      ...fields,
      id,
      createdAt: stored.createdAt,
      updatedAt: this.#settings.now(),
      etag: this.#newEtag(),
    };
    this.#entities.delete(id);
    this.#entities.set(id, entity);
    return entity;
  }

  patch(
    id: string,
    ifMatch: string | undefined,
    operations: unknown,
    check: (after: Record<string, unknown>, before: StoredEntity) => Record<string, unknown>,
  ): StoredEntity {
    const stored = this.get(id);
    if (this.#goneAt.has(id)) throw notFound(this.#collection, id);
    if (ifMatch === undefined) throw invalid('The If-Match header is missing', 428);
    if (ifMatch !== stored.etag) {
      const errorMessage = `Supplied version=[${ifMatch}] does not match the current version on entity=[${stored.etag}]`;
      throw new Refusal(412, { errorMessage, errorDetails: errorMessage });
    }
    return this.update(id, check(applyJsonPatch(stored, operations), stored));
  }

  /** Accepts a deletion; from `deletionMs` later on a lookup finds nothing. */
  delete(id: string): void {
    this.get(id);
    const { now, deletionMs } = this.#settings;
    if (!this.#goneAt.has(id)) this.#goneAt.set(id, now() + deletionMs);
  }

  #newEtag(): string {
    const write = (++this.#writes).toString(16).padStart(8, '0');
    return `"${write}-0000-0200-0000-62d9bca40000"`;
  }
}
