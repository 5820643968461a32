/**
 * What the command could not do, as a sentence for the person who runs it. Anything else that is
 * thrown is a defect.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** 1 when something failed, 2 when the arguments or a file must be mended first. */
  readonly exitCode: 1 | 2;
  /** What a machine may want besides the sentence; printed with `--json`. */
  readonly details: object;

  constructor(exitCode: 1 | 2, message: string, options: { readonly cause?: unknown; readonly details?: object } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.details = options.details ?? {};
  }
}

/**
 * Why something else failed, in its own words without the stack; of several attempts, why the last
 * one did.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0) {
    return reasonOf(error.errors.at(-1));
  }
  const text = error instanceof Error ? error.message : String(error);
  const [line = ''] = text.trim().split('\n');
  if (line === '') return 'It gave no reason.';
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
