/**
 * A stored document that cannot be read again, because it was changed or written by another
 * version. The message names the document and what is wrong with it, and quotes nothing that it
 * holds.
 */
export class UnreadableDocumentError extends Error {
  override readonly name = 'UnreadableDocumentError';
  readonly documentName: string;

  constructor(message: string, documentName: string) {
    super(message);
    this.documentName = documentName;
  }
}

/**
 * What a walk gives in the place of a document that cannot be read, so that it neither ends there
 * nor hides it.
 */
export interface Unreadable {
  /** The document's name in its store. */
  readonly unreadable: string;
}

export function isUnreadable(found: object): found is Unreadable {
  return 'unreadable' in found;
}

/**
 * What `read` gives, or the news that the document cannot be read. Throws whatever else `read`
 * throws.
 */
export async function orUnreadable<Found>(read: Promise<Found>): Promise<Found | Unreadable> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof UnreadableDocumentError) return { unreadable: error.documentName };
    throw error;
  }
}
