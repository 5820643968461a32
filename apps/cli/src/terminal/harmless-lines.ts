import type { Terminal } from './terminal.ts';

/** A line feed and a tab move the cursor as text does; so does a carriage return before a feed. */
const carriageReturns = /\r(?=\n)/g;
/** The colours of `Terminal.colors`; what hides text is not among them. */
const ownColor = String.raw`\u001B\[(?:[0-7]|2\d|3\d|4\d|9[0-7]|10[0-7])m`;
/**
 * Characters that steer a terminal (C0, DEL and C1) or turn the direction of writing (the marks,
 * embeddings, overrides and isolates of Unicode's bidirectional algorithm).
 */
const harmful = String.raw`[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]`;
const harmfulWithoutColors = new RegExp(harmful, 'g');
const harmfulBesideColors = new RegExp(`${ownColor}|${harmful}`, 'g');

/**
 * The terminal as it is, but that no line of `print` and `say` steers it: identities, audiences,
 * answers of vendors and events hold whatever other people wrote. A character that would is shown
 * as JSON writes it (`\u001b`), so that a line of JSON keeps its values.
 */
export function withHarmlessLines<Wrapped extends Terminal>(terminal: Wrapped): Wrapped {
  const pattern = terminal.colors.isColorSupported ? harmfulBesideColors : harmfulWithoutColors;
  const harmless = (line: string): string =>
    line.replaceAll(carriageReturns, '').replaceAll(pattern, (found) => (found.length > 1 ? found : escaped(found)));
  return {
    ...terminal,
    print: (line) => terminal.print(harmless(line)),
    say: (line) => terminal.say(harmless(line)),
  };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
