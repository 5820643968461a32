/** The signals by which a process is asked to end. */
export const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Signals so close together are one request: npm passes on what the whole group of processes got,
 * and so does `timeout`, some hundred milliseconds later on a busy machine.
 */
const oneRequestMs = 1_000;

/**
 * The effect of a signal: the first interrupts, which lets the work end well; another one later
 * ends the process at once, with 130 for SIGINT and 143 for the others, as shells do.
 */
export function askedToEnd({
  now,
  interrupt,
  exit,
}: {
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  readonly interrupt: () => void;
  readonly exit: (code: number) => void;
}): (signal: (typeof endSignals)[number]) => void {
  let askedAtMs: number | undefined;
  return (signal) => {
    if (askedAtMs === undefined) {
      askedAtMs = now();
      interrupt();
    } else if (now() - askedAtMs > oneRequestMs) exit(signal === 'SIGINT' ? 130 : 143);
  };
}
