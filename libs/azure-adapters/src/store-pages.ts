import { callStore, type Store } from './store-call.ts';

/** What the SDKs give for a list: pages that a caller reads one by one. */
interface Listing<Page> {
  byPage(settings: { continuationToken?: string }): AsyncIterator<Page>;
}

/**
 * The pages of a list, each read once the one before is done with, so that the time of an
 * operation is the time of one page and a reader may be as slow as it likes. Ends, and fails, as
 * `callStore` does.
 */
export async function* storePages<Page extends { readonly continuationToken?: string }>(
  store: Store,
  doing: string,
  signal: AbortSignal,
  list: (signal: AbortSignal) => Listing<Page>,
): AsyncGenerator<Page, void> {
  let continuationToken: string | undefined;
  do {
    const from = continuationToken === undefined ? {} : { continuationToken };
    const page = await callStore(store, doing, signal, (abortSignal) => list(abortSignal).byPage(from).next());
    if (page.done === true) return;
    yield page.value;
    // The last page of blobs has an empty one.
    continuationToken = page.value.continuationToken === '' ? undefined : page.value.continuationToken;
  } while (continuationToken !== undefined);
}
