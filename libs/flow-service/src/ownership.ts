import { createHash } from 'node:crypto';
import type { EventHubAddress } from './desired-destination.ts';
import type { Entity } from './flow-service-entities.ts';

/** The description of a thing that belongs to an owner: the owner's words, then the mark. */
export function ownedDescription(description: string, owner: string, keyFingerprint?: string): string {
  const key = keyFingerprint === undefined ? '' : ` [key: ${keyFingerprint}]`;
  return `${description.trim()} [owner: ${owner}]${key}`.trim();
}

export function ownerOf({ description }: Entity): string | undefined {
  return /\[owner: ([^\]\s]+)\]/.exec(description ?? '')?.[1];
}

/** The key that was last written to a connection, as `fingerprintOf` gives it. */
export function keyFingerprintIn({ description }: Entity): string | undefined {
  return /\[key: ([0-9a-f]{12})\]/.exec(description ?? '')?.[1];
}

/** The description without the marks. */
export function plainDescription({ description }: Entity): string {
  return (description ?? '').replaceAll(/\s*\[(owner|key): [^\]]*\]/g, '').trim();
}

/**
 * Twelve hexadecimal digits that change with the credentials. Adobe does not show a key, so a mark
 * of it is kept beside it; a key of 256 random bits cannot be found from 48 bits of its digest.
 */
export function fingerprintOf({ namespace, sasKeyName, sasKey }: Omit<EventHubAddress, 'eventHubName'>): string {
  return createHash('sha256')
    .update(JSON.stringify([namespace, sasKeyName, sasKey]))
    .digest('hex')
    .slice(0, 12);
}

/**
 * Of several that were made for the same purpose (by two runs at once, or one that stopped
 * half-way) the one that every run chooses: the oldest, and of the same age the one with the lowest
 * id.
 */
export function chosenAmong<Item extends Entity>(items: readonly Item[]): Item | undefined {
  return items.toSorted(
    (one, other) => (one.createdAt ?? Infinity) - (other.createdAt ?? Infinity) || (one.id < other.id ? -1 : 1),
  )[0];
}
