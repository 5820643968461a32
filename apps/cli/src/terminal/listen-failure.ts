import { CommandError, reasonOf } from './command-error.ts';

/**
 * What to say when something of ours cannot listen, or not start for another reason. `freePort` is
 * the option that helps.
 */
export function listenFailure(error: unknown, what: string, port: number, freePort: string): CommandError {
  if (error instanceof RangeError) return new CommandError(2, error.message, { cause: error });
  if (isPortTaken(error)) {
    const where = port === 0 ? 'its port' : `port ${takenPort(error) ?? port}`;
    return new CommandError(
      1,
      `Failed to start ${what}: ${where} is taken. End what listens there, or use ${freePort}, which takes a free one.`,
      { cause: error },
    );
  }
  return new CommandError(1, `Failed to start ${what}: ${reasonOf(error)}`, { cause: error });
}

function isPortTaken(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (('code' in error && error.code === 'EADDRINUSE') || /EADDRINUSE|is taken/.test(error.message))
  );
}

function takenPort(error: Error): string | undefined {
  return /port (\d+)/i.exec(error.message)?.[1];
}
