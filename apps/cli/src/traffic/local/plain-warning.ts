/**
 * What happens to a message that the host puts into a poison queue, by the queue.
 */
const afterPoison: Readonly<Record<string, string>> = {
  'retries-poison':
    'A retry failed five times, so it rests for a quarter of an hour. It is kept, and tried again by itself.',
  'retries-poison-poison':
    'A retry could not even be put back, for the stores do not answer. It is kept, and the sweep of the night makes it due again: look at the storage first.',
};

/**
 * A complaint of the host in words of this project, where the host's own name what a person need
 * not know.
 */
export function plainWarning(message: string): string {
  const [, queue = ''] = / moved? to (retries-poison(?:-poison)?)\b/.exec(message) ?? [];
  return afterPoison[queue] ?? message;
}
