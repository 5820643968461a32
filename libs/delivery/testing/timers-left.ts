import { createHook } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';

/** How many timers the work makes and leaves when it has ended, those of Node itself included. */
export async function timersLeftBy(work: () => Promise<unknown>): Promise<number> {
  const left = new Set<number>();
  const hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') left.add(id);
    },
    destroy: (id) => void left.delete(id),
  });
  hook.enable();
  try {
    await work();
    // Node says of a timer that it is gone in a later turn.
    await setImmediate();
  } finally {
    hook.disable();
  }
  return left.size;
}
