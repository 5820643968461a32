/* The door for whoever writes reference pages, or shows in a terminal what a schema says of itself. */
export { entryBlocks, referenceEntries } from './reference-entries.ts';
export type { ReferenceEntry } from './reference-entries.ts';
