import { oneLine } from '../../activation-file/audience-names.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { Rest } from './rest.ts';

/**
 * Lines for a person: at most this many per second one by one, the rest of a second added up in one
 * line.
 */
const linesPerSecondMax = 12;
const windowMs = 1000;

/**
 * Prints what a person can read: what goes beyond that in a second is counted in `rest`, and said
 * in one line at its end. `end` ends it.
 */
export class PacedLines {
  /** What got no line of its own in this second. */
  rest = new Rest();
  #lines = 0;
  readonly #warned = new Set<string>();
  readonly #terminal: Pick<Terminal, 'print' | 'colors'>;
  readonly #timer: NodeJS.Timeout;

  constructor(terminal: Pick<Terminal, 'print' | 'colors'>) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.endSecond(), windowMs);
    this.#timer.unref();
  }

  /** Whether there is room for one more line in this second, which is taken then. */
  take(linesMax = linesPerSecondMax): boolean {
    if (this.#lines >= linesMax) return false;
    this.#lines += 1;
    return true;
  }

  /** The same warning is said once a second; none, not at all. */
  warn(message: string | undefined): void {
    if (message === undefined || this.#warned.has(message)) return;
    this.#warned.add(message);
    if (this.take()) this.#terminal.print(`${this.#terminal.colors.yellow('!')} ${oneLine(message)}`);
    else this.rest.warnings += 1;
  }

  /** Less important than others: left out where there is no room. */
  note(message: string): void {
    if (this.take()) this.#terminal.print(this.#terminal.colors.dim(message));
  }

  endSecond(): void {
    if (!this.rest.isEmpty()) this.#terminal.print(this.#terminal.colors.dim(`… ${this.rest.toString()}`));
    this.#lines = 0;
    this.rest = new Rest();
    this.#warned.clear();
  }

  end(): void {
    clearInterval(this.#timer);
    this.endSecond();
  }
}
