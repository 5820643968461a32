import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathText, type Problem } from '@activation-hub/activation-file';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { Terminal } from '../terminal/terminal.ts';

export type Place = readonly (string | number)[];
export type Locate = (place: Place, message: string) => Problem;

/**
 * Makes problems of what is said about places of a YAML file; what the file leaves out stands where
 * its parent does.
 */
export async function problemLocator(path: string, { folder }: Pick<Terminal, 'folder'>): Promise<Locate> {
  const lines = new LineCounter();
  const document = parseDocument(await readFile(resolve(folder, path), 'utf8'), { lineCounter: lines });
  const offsetOf = (place: Place): number => {
    const node = document.getIn(place, true);
    if (isNode(node) && node.range) return node.range[0];
    return place.length === 0 ? 0 : offsetOf(place.slice(0, -1));
  };
  return (place, message) => {
    const { line, col } = lines.linePos(offsetOf(place));
    return { fileName: path, line: Math.max(1, line), column: Math.max(1, col), path: pathText(place), message };
  };
}

/** The order in which an editor shows them. */
export function byPlace(one: Problem, other: Problem): number {
  return one.line - other.line || one.column - other.column;
}
