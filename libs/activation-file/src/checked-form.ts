import { isDeepStrictEqual } from 'node:util';
import type { ActivationFile, AudienceEntry, DestinationEntry } from './activation-file.ts';
import { deepFreeze, frozenMap } from './deep-freeze.ts';
import type { Problem } from './problem.ts';

/** What JSON has of an activation file: the routes are those of its audiences. */
interface CheckedForm {
  readonly destinations: readonly DestinationEntry[];
  readonly audiences: readonly AudienceEntry[];
  readonly stall: ActivationFile['stall'];
  /** Without the name of the file, which depends on where it is. */
  readonly warnings: readonly Omit<Problem, 'fileName'>[];
}

/**
 * An activation file that was found to be right as JSON, for `readChecked`. Undefined when JSON
 * cannot hold it, because the schema of a destination makes of an option what is no plain data.
 */
export function writeChecked(file: ActivationFile): string | undefined {
  const form: CheckedForm = {
    destinations: [...file.destinations.values()],
    audiences: [...file.audiences.values()],
    stall: file.stall,
    warnings: file.warnings.map(({ line, column, path, message }) => ({ line, column, path, message })),
  };
  const text = JSON.stringify(form);
  return isDeepStrictEqual(JSON.parse(text), form) ? text : undefined;
}

/**
 * The file that `writeChecked` wrote, as `parseActivationFile` gave it: frozen all the way down,
 * and its warnings name `fileName`. Loads neither the parser nor any schema, and checks nothing:
 * the text must be that of `writeChecked`.
 */
export function readChecked(text: string, fileName: string): ActivationFile {
  const { destinations, audiences, stall, warnings } = deepFreeze(JSON.parse(text) as CheckedForm);
  return Object.freeze({
    destinations: frozenMap(destinations.map((entry) => [entry.key, entry] as const)),
    audiences: frozenMap(audiences.map((entry) => [entry.key, entry] as const)),
    routes: Object.freeze(audiences.flatMap(({ routes }) => routes)),
    stall,
    warnings: deepFreeze(warnings.map((warning) => ({ ...warning, fileName }))),
  });
}
