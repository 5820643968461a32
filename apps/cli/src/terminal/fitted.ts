import { stripVTControlCharacters } from 'node:util';

/**
 * A line as a terminal of so many columns shows it without a break within a word: it goes on below
 * the start of its last cell (cells stand two blanks apart), or, where that leaves too little room,
 * four columns in. A word that is longer than the room has a line of its own. A command stays
 * whole, for a line that the terminal itself breaks is copied in one piece. Colours take no room.
 * Without columns, as in a pipe, every line stays as it is.
 */
export function fitted(line: string, columns: number | undefined): string {
  const text = stripVTControlCharacters(line);
  if (columns === undefined || text.length <= columns) return line;
  const cellsEnd = /^.* {2,}(?=\S)/.exec(text.slice(0, columns))?.[0].length ?? 0;
  if (isCommand(text.slice(cellsEnd))) return line;
  const indent = cellsEnd <= columns * lastCellMax ? cellsEnd : indentUsual;
  const lines: string[] = [];
  let room = columns;
  for (const word of line.split(/(?<=\S) (?=\S)/)) {
    const longer = lines.length === 0 ? word : `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && stripVTControlCharacters(longer).length > room) {
      lines.push(word);
      room = columns - indent;
    } else lines[Math.max(0, lines.length - 1)] = longer;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

/** The last cell begins in this share of the columns, or it has too little room to go on below. */
const lastCellMax = 0.7;
const indentUsual = 4;

function isCommand(cell: string): boolean {
  return /^(?:npx )?activation /.test(cell);
}
