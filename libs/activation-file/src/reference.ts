/* The door for what a schema says of itself: reference pages, and their terminal form. */
export { entryBlocks, referenceEntries } from './reference-entries.ts';
export type { ReferenceEntry } from './reference-entries.ts';
