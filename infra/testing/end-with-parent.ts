/** How long a process outlives the one that started it. */
const pollMs = 1000;

/**
 * Ends this process soon after the one that started it is gone. The engine ends its plugins; a
 * killed engine cannot, and its plugin would run for ever.
 */
export function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit();
  }, pollMs).unref();
}
