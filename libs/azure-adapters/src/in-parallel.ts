/**
 * Does the work for every item, at most `concurrencyMax` at a time, and gives the results in the
 * items' order. The first failure aborts the work under way and is thrown once all of it has ended,
 * so that nothing goes on behind the caller's back. When `signal` is aborted first, its reason is
 * thrown.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  concurrencyMax: number,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  signal.throwIfAborted();
  const giveUp = new AbortController();
  const either = AbortSignal.any([signal, giveUp.signal]);
  const results = new Array<Result>(items.length);
  const failures: unknown[] = [];
  const pending = items.entries();
  const worker = async (): Promise<void> => {
    try {
      for (const [index, item] of pending) {
        either.throwIfAborted();
        results[index] = await work(item, either);
      }
    } catch (error) {
      failures.push(error);
      giveUp.abort();
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrencyMax, items.length) }, worker));
  if (failures.length > 0) {
    signal.throwIfAborted();
    throw failures[0];
  }
  return results;
}
