import type { Fault } from '@activation-hub/console-contract';
import { reasonOf } from '../../terminal/command-error.ts';

/**
 * What keys do; what each gives is said to the person. The key of an act that is absent means
 * nothing.
 */
export interface KeyActs {
  readonly openConsole?: () => string;
  readonly sendSample?: () => Promise<string>;
  readonly pauseOrResume?: () => Promise<string>;
  readonly retryNow?: () => Promise<string>;
  readonly breaking?: Breaking;
  /** What the words and the keys mean. */
  readonly words: () => readonly string[];
  readonly end: () => void;
}

/** How destinations are broken and mended. */
export interface Breaking {
  /** Those that can be. */
  readonly destinations: () => readonly string[];
  readonly break: (destination: string, fault: Fault) => void;
}

/** How a destination is broken, by key. */
const faultKeys: Readonly<Record<string, { readonly fault: Fault; readonly word: string; readonly done: string }>> = {
  r: { fault: 'refuses', word: 'refuse', done: 'refuses what it gets' },
  t: { fault: 'throttled', word: 'throttle', done: 'throttles' },
  h: { fault: 'hangs', word: 'hang', done: 'hangs' },
  d: { fault: 'down', word: 'down', done: 'is down' },
  m: { fault: 'none', word: 'mend', done: 'is mended; r tries at once what waits for it' },
};

/** By which keys one of several destinations is chosen. */
const choiceKeys = Array.from('123456789abcdefghijklmnopqrstuvwxyz');

/** The keys of `activation local`. An act that fails is said, and nothing else comes of it. */
export class Keys {
  readonly #acts: KeyActs;
  readonly #say: (line: string) => void;
  /** What the next key chooses; absent when it begins something. */
  #asks: { readonly prompt: string; readonly take: (key: string) => void } | undefined;
  #isActing = false;

  constructor(acts: KeyActs, say: (line: string) => void) {
    this.#acts = acts;
    this.#say = say;
  }

  /** What the person is asked, while a key is awaited that says more. */
  get prompt(): string | undefined {
    return this.#asks?.prompt;
  }

  /** Resolves when what the key asks for is done. Keys that mean nothing do nothing. */
  async press(key: string): Promise<void> {
    const asks = this.#asks;
    if (asks !== undefined) {
      this.#asks = undefined;
      asks.take(key);
      return;
    }
    switch (key.toLowerCase()) {
      case 'o':
        return this.#act(this.#acts.openConsole);
      case 's':
        return this.#act(this.#acts.sendSample);
      case 'p':
        return this.#act(this.#acts.pauseOrResume);
      case 'r':
        return this.#act(this.#acts.retryNow);
      case 'b':
        if (this.#acts.breaking !== undefined) this.#askWhichToBreak(this.#acts.breaking);
        return;
      case '?':
        for (const line of this.#acts.words()) this.#say(line);
        return;
      case 'q':
        this.#acts.end();
    }
  }

  /** One after the other: a key that is held down does not pile up. */
  async #act(act: (() => string | Promise<string>) | undefined): Promise<void> {
    if (act === undefined || this.#isActing) return;
    this.#isActing = true;
    try {
      this.#say(await act());
    } catch (error) {
      this.#say(reasonOf(error));
    } finally {
      this.#isActing = false;
    }
  }

  #askWhichToBreak(breaking: Breaking): void {
    const destinations = breaking.destinations().slice(0, choiceKeys.length);
    const [only] = destinations;
    if (only === undefined) {
      this.#say(
        'No destination can be broken: only stand-ins can, of --vendor, and the receiver of the example. Stop your own receiver instead.',
      );
    } else if (destinations.length === 1) this.#askHowToBreak(only, breaking);
    else {
      const choices = destinations.map((destination, index) => `${choiceKeys[index] ?? ''} ${destination}`);
      this.#ask(`Break which destination?  ${choices.join('  ')}`, (key) => {
        const chosen = destinations[choiceKeys.indexOf(key)];
        if (chosen !== undefined) this.#askHowToBreak(chosen, breaking);
      });
    }
  }

  #askHowToBreak(destination: string, breaking: Breaking): void {
    const choices = Object.entries(faultKeys).map(([key, { word }]) => `${key} ${word}`);
    this.#ask(`Break ${destination} how?  ${choices.join('  ')}`, (key) => {
      const chosen = Object.hasOwn(faultKeys, key) ? faultKeys[key] : undefined;
      if (chosen === undefined) return;
      breaking.break(destination, chosen.fault);
      this.#say(`${destination} ${chosen.done}.`);
    });
  }

  #ask(question: string, take: (key: string) => void): void {
    this.#asks = { prompt: `${question}  (another key: nothing)`, take };
  }
}
