/** Does the work once; a failure is not kept, so that the next caller tries again. */
export function once<Arguments extends readonly unknown[], Result>(
  work: (...given: Arguments) => Promise<Result>,
): (...given: Arguments) => Promise<Result> {
  let done: Promise<Result> | undefined;
  return (...given) => {
    done ??= work(...given).catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}
