/**
 * Milliseconds of the clock that all processes of a machine share, and that is never set: to
 * subtract, not to show.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
