import { StoreFailure } from '@activation-hub/azure-adapters';

/** What a container holds; nothing where the function app has not made it yet. */
export async function* existing<Found>(found: AsyncIterable<Found>): AsyncGenerator<Found> {
  try {
    yield* found;
  } catch (error) {
    if (!(error instanceof StoreFailure) || error.code !== 'ContainerNotFound') throw error;
  }
}
