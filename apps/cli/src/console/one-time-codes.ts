import { randomBytes } from 'node:crypto';

/** A browser that is started comes within this time, or the person opens the address. */
const liveMs = 60_000;

/**
 * Codes that open the console once. The command line of the program that starts a browser has one
 * in the place of the token, for every user of a machine sees the command lines of all processes.
 */
export class OneTimeCodes {
  readonly #now: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  make(): string {
    const code = randomBytes(24).toString('base64url');
    this.#untilMs.set(code, this.#now() + liveMs);
    return code;
  }

  /** Whether the code opens the console: it does once, for a minute. */
  use(code: string): boolean {
    const untilMs = this.#untilMs.get(code);
    this.#untilMs.delete(code);
    return untilMs !== undefined && this.#now() < untilMs;
  }
}
