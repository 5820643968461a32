import { posix } from 'node:path';

interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/**
 * The circles in which files import each other by their paths, types included: for each file that
 * comes back to itself the shortest way, such as `a.ts → b.ts → a.ts`; each circle once, from its
 * first path on.
 */
export function importCircles(files: readonly SourceFile[]): readonly string[] {
  const imports = importsWithin(files);
  const circles = [...imports.keys()].flatMap((path) => wayBack(path, imports) ?? []);
  return [...new Set(circles.map(fromItsFirst))].toSorted();
}

/** What each file imports of the others; without files from which no way leads into a circle. */
function importsWithin(files: readonly SourceFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  let known: number;
  do {
    known = imports.size;
    for (const [path, imported] of imports) {
      for (const other of imported) if (!imports.has(other)) imported.delete(other);
      if (imported.size === 0) imports.delete(path);
    }
  } while (imports.size < known);
  return imports;
}

function importsOf({ path, text }: SourceFile): Set<string> {
  const addresses = text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g);
  return new Set([...addresses].map(([, address = '']) => posix.join(posix.dirname(path), address)));
}

/** The shortest way from a file back to it, without the return itself; undefined without one. */
function wayBack(path: string, imports: ReadonlyMap<string, ReadonlySet<string>>): readonly string[][] | undefined {
  const seen = new Set<string>();
  let ways: readonly string[][] = [[path]];
  while (ways.length > 0) {
    const longer: string[][] = [];
    for (const way of ways) {
      for (const next of imports.get(way.at(-1) ?? '') ?? []) {
        if (next === path) return [way];
        if (seen.has(next)) continue;
        seen.add(next);
        longer.push([...way, next]);
      }
    }
    ways = longer;
  }
  return undefined;
}

function fromItsFirst(way: readonly string[]): string {
  const first = way.indexOf(way.toSorted()[0] ?? '');
  const turned = [...way.slice(first), ...way.slice(0, first)];
  return [...turned, ...turned.slice(0, 1)].join(' → ');
}
