/**
 * The known word that was most probably meant, or undefined when none is near: at most one edit (a
 * letter inserted, left out, replaced, or two swapped) per three letters, upper and lower case
 * being the same.
 */
export function nearestWord(written: string, known: Iterable<string>): string | undefined {
  const folded = written.toLowerCase();
  let nearest: string | undefined;
  let nearestEdits = Infinity;
  for (const word of known) {
    const longer = Math.max(word.length, folded.length);
    const editsMax = Math.max(1, Math.floor(longer / 3));
    if (longer < 2 || Math.abs(word.length - folded.length) > editsMax) continue;
    const edits = editDistance(folded, word.toLowerCase());
    if (edits <= editsMax && edits < nearestEdits) {
      nearest = word;
      nearestEdits = edits;
    }
  }
  return nearest;
}

/** Optimal string alignment distance: Levenshtein's, with a swap of neighbours counted as one. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let edits = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) edits = Math.min(edits, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
